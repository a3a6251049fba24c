"""tk-align: what an average voice says, from TextGrids, from MFA, from listening; and what is said of bad input."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.grids import intervals, long_textgrid, write_recording, write_tones
from tk_tools.audio.make_mel import file_mel_blocks
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.files.average_mel_file import read_average_mel_file, read_framed_phones
from tk_tools.files.digest import file_digest
from tk_tools.files.made_from import read_provenance
from tk_tools.files.phone_averages_file import read_phone_averages

SPEECH = (("sil", 0.1), ("AA", 0.15), ("S", 0.1), ("IY", 0.15), ("sil", 0.1))


@pytest.fixture
def recordings(tmp_path):
    """wavs/ and grids/ of two speakers in tmp_path: three sounds, the last of another level."""
    write_recording(tmp_path, "mary/a", *SPEECH)
    write_recording(tmp_path, "mary/b", ("sil", 0.05), ("IY", 0.12), ("AA", 0.12), ("IY", 0.11), ("sil", 0.1))
    write_recording(tmp_path, "john/a", *SPEECH[::-1], level=0.05)
    return tmp_path


@pytest.fixture
def align(tk, recordings):
    """align(*arguments): tk-align --textgrids grids/ ARGUMENTS, or without the option; wavs and avg below tmp_path."""

    def call(*arguments, textgrids=True, **options):
        source = ("--textgrids", recordings / "grids") if textgrids else ()
        return tk("tk-align", *source, *arguments, **options)

    return call


def lines(ran):
    """The messages, without date and tool."""
    return [line.split("tk-align: ", 1)[1] for line in ran.err.splitlines()]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.h5"))}


def test_each_phone_is_its_average_over_the_set(align, recordings):
    ran = align("--json", recordings / "wavs", recordings / "avg")
    assert ran.code == 0
    rows = [json.loads(line) for line in ran.out.splitlines()]
    names = ["john/a", "mary/a", "mary/b"]
    assert [row["path"] for row in rows] == [str(recordings / "avg" / f"{name}.avgmel.h5") for name in names]
    mels, levels = {}, {}  # as published: a list of every interval's levels, and its mode
    for name, row in zip(names, rows, strict=True):
        wav = recordings / "wavs" / f"{name}.wav"
        mels[name] = np.concatenate(list(file_mel_blocks(wav, DIFFVC)))
        phones = read_framed_phones(Path(row["path"]))
        assert (row["frames"], row["phones"]) == (len(mels[name]), 5)
        for symbol, (start, stop) in zip(phones.symbols, phones.frames, strict=True):
            levels.setdefault(symbol, []).append(np.round(np.median(mels[name][start:stop], axis=0), 1))
    averages = {}
    for symbol, rows_of in levels.items():
        columns = [np.unique(column, return_counts=True) for column in np.array(rows_of).T]
        averages[symbol] = np.array([values[counts.argmax()] for values, counts in columns])
    for name, row in zip(names, rows, strict=True):
        expected, found = mels[name].copy(), read_average_mel_file(Path(row["path"]))
        phones = read_framed_phones(Path(row["path"]))
        for symbol, (start, stop) in zip(phones.symbols, phones.frames, strict=True):
            expected[start:stop] = averages[symbol]
        np.testing.assert_allclose(found.values, expected, rtol=1e-6)
        assert found.values.dtype == np.float32
        assert (found.preset, found.sample_rate, found.hop_length) == ("diffvc", 22050, 256)
    table = read_phone_averages(recordings / "avg" / "averages.phones.h5")
    assert table.symbols == ("AA", "IY", "S", "sil")
    np.testing.assert_array_equal(table.intervals, [3, 4, 2, 6])
    said, standing = lines(ran)
    assert said == f"averages of 4 phones from 3 sounds: {recordings / 'avg' / 'averages.phones.h5'}"
    assert standing == "3 done"


def test_the_first_source_is_the_sound(align, tk, recordings):
    (path,) = align(recordings / "wavs" / "mary", recordings / "avg").paths[:1]
    wav = recordings / "wavs" / "mary" / "a.wav"
    (mel,) = tk("tk-mel", "--preset", "diffvc", wav, recordings / "mels").paths
    assert read_provenance(path).source.first == read_provenance(mel).source
    assert read_provenance(path).source.first.digest == file_digest(wav)


def test_a_second_run_does_nothing_and_a_new_sound_makes_all_again(align, recordings):
    first = align(recordings / "wavs", recordings / "avg")
    kept = contents(recordings / "avg")
    stamps = {path: path.stat().st_mtime_ns for path in (recordings / "avg").rglob("*.h5")}
    second = align(recordings / "wavs", recordings / "avg")
    assert (second.code, second.out, lines(second)) == (0, first.out, ["0 done, 3 already there"])
    assert stamps == {path: path.stat().st_mtime_ns for path in (recordings / "avg").rglob("*.h5")}
    forced = align("--force", recordings / "wavs", recordings / "avg")
    assert lines(forced)[1:] == ["3 done"]
    assert contents(recordings / "avg") == kept
    write_recording(recordings, "mary/c", ("S", 0.2), ("AA", 0.1))
    third = align("-v", recordings / "wavs", recordings / "avg")
    assert lines(third)[-1] == "4 done (3 replaced)"
    assert f"{recordings}/avg/averages.phones.h5: replaced; it was of 3 recordings" in third.err
    assert sum("made with other options" in line for line in lines(third)) == 3


def test_the_order_of_the_sounds_changes_nothing(align, recordings):
    names = [recordings / "wavs" / name for name in ("mary/a.wav", "mary/b.wav", "john/a.wav")]
    align(*names, recordings / "one")
    ran = align(*names[::-1], recordings / "two")
    assert ran.code == 0
    one, two = contents(recordings / "one"), contents(recordings / "two")
    assert one["averages.phones.h5"] == two["averages.phones.h5"]
    assert align(*names[::-1], recordings / "one").err.count("already there") == 1


def test_the_same_bytes_with_two_workers_and_in_shards(align, recordings):
    align(recordings / "wavs", recordings / "one")
    two = align("--workers", "2", recordings / "wavs", recordings / "two")
    shards = [align("--shard", f"{number}/2", recordings / "wavs", recordings / "shards") for number in (1, 2)]
    assert contents(recordings / "one") == contents(recordings / "two") == contents(recordings / "shards")
    assert [len(ran.paths) for ran in (two, *shards)] == [3, 2, 1]
    assert "averages of" not in shards[1].err, "the second shard takes what the first has left"


def test_saved_averages_say_further_sounds(align, recordings):
    align(recordings / "wavs", recordings / "avg")
    averages = recordings / "avg" / "averages.phones.h5"
    wav = write_recording(recordings, "new/c", ("S", 0.2), ("AA", 0.1))
    target = recordings / "c.avgmel.h5"
    ran = align("--averages", averages, wav, target)
    assert (ran.code, ran.err, ran.paths) == (0, "", [target])
    table = read_phone_averages(averages)
    values = read_average_mel_file(target).values
    np.testing.assert_array_equal(values[5], table.average[table.symbols.index("S")])
    assert not (recordings / "averages.phones.h5").exists()
    align("--averages", averages, recordings / "wavs", recordings / "again")
    again, before = contents(recordings / "again"), contents(recordings / "avg")
    assert again.keys() == (before.keys() - {"averages.phones.h5"}) | {"new/c.avgmel.h5"}
    assert all(again[name] == before[name] for name in again.keys() & before.keys())
    align("--force", recordings / "wavs", recordings / "avg")  # now with the new one: other averages
    assert lines(align("--averages", averages, wav, target)) == ["1 done (1 replaced)"]
    write_recording(recordings, "new/d", ("ʃ", 0.2), ("AA", 0.1))
    ran = align("--averages", averages, recordings / "wavs" / "new" / "d.wav", recordings / "d.avgmel.h5")
    assert (ran.code, ran.out) == (1, "")
    assert f"{recordings}/grids/new/d.TextGrid: its phones 'ʃ' have no average" in ran.err


def test_ipa_and_silence_without_a_label(align, tmp_path):
    """As Montreal Forced Aligner 3 writes it."""
    shutil.rmtree(tmp_path / "wavs")
    shutil.rmtree(tmp_path / "grids")
    for name in ("a", "b"):
        write_recording(tmp_path, name, ("", 0.1), ("ɲ", 0.1), ("aɪ̯", 0.1), ("", 0.1))
    ran = align(tmp_path / "wavs", tmp_path / "avg")
    assert ran.code == 0
    table = read_phone_averages(tmp_path / "avg" / "averages.phones.h5")
    assert table.symbols == ("", "aɪ̯", "ɲ")
    np.testing.assert_array_equal(read_average_mel_file(ran.paths[0]).values[0], table.average[0])


def test_an_unknown_word_is_counted_and_left_out(align, recordings):
    write_recording(recordings, "mary/c", ("sil", 0.1), ("spn", 0.2), ("AA", 0.1))
    ran = align(recordings / "wavs", recordings / "avg")
    assert (ran.code, len(ran.paths)) == (0, 3)
    assert "spn" in read_phone_averages(recordings / "avg" / "averages.phones.h5").symbols
    told, standing = lines(ran)[1:]
    wav, grid = recordings / "wavs/mary/c.wav", recordings / "grids/mary/c.TextGrid"
    assert told == f"{wav}: left out: {grid} has a word that its aligner did not know (spn)"
    assert standing == "3 done, 1 left out"
    assert not (recordings / "avg" / "mary" / "c.avgmel.h5").exists()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("wav", "grid", "says"),
    [
        (SPEECH, None, "wavs/mary/x.wav: has no TextGrid: no x.TextGrid in "),
        (SPEECH, intervals(("AA", 0.3), ("S", 0.6)), "grids/mary/x.TextGrid: ends at 0.90 s, the sound at 0.59 s"),
        (SPEECH, long_textgrid(intervals(*SPEECH), tier="phone"), "grids/mary/x.TextGrid: has no tier 'phones'"),
        (SPEECH, long_textgrid(intervals(*SPEECH))[:700], "grids/mary/x.TextGrid: is cut short"),
        (SPEECH, b"no grid", "grids/mary/x.TextGrid: is not a TextGrid"),
        (SPEECH, intervals(("sil", 0.3), ("", 0.3)), "grids/mary/x.TextGrid: holds no phone, silence alone"),
        (b"no sound", intervals(*SPEECH), "wavs/mary/x.wav: "),
        (b"", intervals(*SPEECH), "0 bytes"),
        ((("AA", 0.005),), intervals(("AA", 0.005)), "wavs/mary/x.wav: is too short"),
    ],
)
def test_one_bad_input_is_told_and_the_others_are_done(align, recordings, wav, grid, says):
    good = contents(recordings / "avg") if align(recordings / "wavs", recordings / "avg").code == 0 else {}
    path = recordings / "wavs" / "mary" / "x.wav"
    if isinstance(wav, bytes):
        write(path, wav)
    else:
        write_tones(path, intervals(*wav))
    if grid is not None:
        write(recordings / "grids/mary/x.TextGrid", long_textgrid(grid) if isinstance(grid, list) else grid)
    shutil.rmtree(recordings / "avg")
    ran = align("--errors", recordings / "errors", recordings / "wavs", recordings / "avg")
    assert (ran.code, len(ran.paths)) == (1, 3)
    bad = [line for line in lines(ran) if says in line]
    assert len(bad) == 1
    assert lines(ran)[-1] == "3 done, 1 failed"
    row = json.loads((recordings / "errors").read_text())
    assert row == {"error": bad[0], "path": str(path), "tool": "tk-align"}
    assert "Traceback" not in ran.err
    made = contents(recordings / "avg")
    assert made.keys() == good.keys()
    again = align(recordings / "wavs", recordings / "avg")
    assert (again.code, lines(again)[-1]) == (1, "0 done, 3 already there, 1 failed")


def test_a_textgrid_that_ends_early_is_told(align, recordings):
    write_tones(recordings / "wavs/mary/x.wav", intervals(("AA", 0.3), ("sil", 1.2)))
    write(recordings / "grids/mary/x.TextGrid", long_textgrid(intervals(("AA", 0.3))))
    ran = align(recordings / "wavs", recordings / "avg")
    assert (ran.code, len(ran.paths)) == (0, 4)
    assert "the last 1.2 s keep their own mel" in ran.err


def test_textgrids_of_no_sound_are_told(align, recordings):
    write(recordings / "grids/zoe/y.TextGrid", b"")
    ran = align(recordings / "wavs", recordings / "avg")
    assert ran.code == 0
    assert lines(ran)[0] == f"TextGrids that belong to none of the sounds: 1, such as {recordings}/grids/zoe/y.TextGrid"


def test_no_sound_that_can_be_used(align, recordings):
    shutil.rmtree(recordings / "grids")
    write(recordings / "grids/other.TextGrid", long_textgrid(intervals(*SPEECH)))
    ran = align(recordings / "wavs", recordings / "avg")
    assert (ran.code, ran.out) == (1, "")
    assert sum("has no TextGrid" in line for line in lines(ran)) == 3
    assert not (recordings / "avg").exists()


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (96000, 1)])
def test_other_rates_and_channels(align, recordings, rate, channels):
    write_recording(recordings, "mary/a", *SPEECH, rate=rate, channels=channels)
    ran = align(recordings / "wavs", recordings / "avg")
    assert (ran.code, len(ran.paths)) == (0, 3)
    assert read_average_mel_file(recordings / "avg/mary/a.avgmel.h5").values.shape == (51, 80)


def test_a_sound_of_a_twentieth_second(align, recordings):
    write_recording(recordings, "mary/x", ("AA", 0.05))
    ran = align(recordings / "wavs", recordings / "avg")
    assert ran.code == 0
    assert read_average_mel_file(recordings / "avg/mary/x.avgmel.h5").values.shape == (4, 80)


def test_a_file_of_the_user_stays(align, recordings):
    (recordings / "avg").mkdir()
    (recordings / "avg" / "averages.phones.h5").write_text("mine, not HDF5")
    ran = align(recordings / "wavs", recordings / "avg")
    assert (ran.code, ran.out) == (1, "")
    assert "not made by these tools" in ran.err
    assert (recordings / "avg" / "averages.phones.h5").read_text() == "mine, not HDF5"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("wavs", "avg"), "Give --textgrids FOLDER, --mfa"),
        (("--mfa", "--recogniser", "pocketsphinx", "wavs", "avg"), "give one of them"),
        (("--textgrids", "none", "wavs", "avg"), "there is no folder none"),
        (("--textgrids", "grids", "--dictionary", "x", "wavs", "avg"), "go with --mfa"),
        (("--recogniser", "pocketsphinx", "--shard", "1/2", "wavs", "avg"), "needs --averages"),
        (("--recogniser", "none", "wavs", "avg"), "pocketsphinx"),
        (("--textgrids", "grids", "wavs/mary/a.wav", "a.avgmel.h5"), "needs --averages"),
        (("--textgrids", "grids", "--averages", "none", "wavs", "avg"), "none"),
        (("--textgrids", "grids"), "Missing operands"),
        (("--textgrids", "grids", "avg"), "gave no paths"),
    ],
)
def test_wrong_usage(align, recordings, monkeypatch, arguments, says):
    monkeypatch.chdir(recordings)
    ran = align(*arguments, textgrids=False)
    assert (ran.code, ran.out) == (2, "")
    assert says in " ".join(ran.err.split())
    assert not Path("avg").exists()


def test_averages_that_are_none(align, recordings):
    wav = recordings / "wavs/mary/a.wav"
    ran = align("--averages", wav, wav, recordings / "a.avgmel.h5")
    assert (ran.code, ran.out) == (1, "")
    assert f"{wav}: is not an HDF5 file" in ran.err


def test_info_check_and_plot_know_the_files(align, tk, recordings):
    align(recordings / "wavs", recordings / "avg")
    files = [recordings / "avg" / name for name in ("averages.phones.h5", "mary/a.avgmel.h5")]
    averages, mel = (json.loads(line) for line in tk("tk-info", "--json", *files).out.splitlines())
    assert (averages["kind"], averages["phones"], averages["source"]) == ("phones", 4, "3 recordings")
    assert (mel["kind"], mel["frames"], mel["bands"], mel["phones"]) == ("avgmel", 51, 80, 5)
    assert tk("tk-check", *files).code == 0
    drawn = tk("tk-plot", recordings / "avg" / "mary", recordings / "plots")
    assert [path.name for path in drawn.paths] == ["a.avgmel.png", "b.avgmel.png"]
    files[1].write_bytes(files[1].read_bytes()[:3000])
    assert tk("tk-check", files[1]).code == 1


MFA = """#!{python} -S
import sys
from pathlib import Path
command, corpus, dictionary, model, output, *options = sys.argv[1:]
assert (command, options[0], options[1]) == ("align", "--clean", "--num_jobs"), sys.argv
labs = sorted(Path(corpus).rglob("*.lab"))
words = [lab.read_text().strip() for lab in labs]
Path({log!r}).open("a").write(f"{{dictionary}} {{model}} {{sorted(words)}}\\n")
if "crash" in words:
    print("loading")
    sys.exit("no such model: " + model)
for lab, said in zip(labs, words):
    assert lab.with_suffix(".wav").is_file()
    if said != "misfit":
        grid = Path(output, lab.relative_to(corpus)).with_suffix(".TextGrid")
        grid.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{{place / 10}} {{(place + 1) / 10}} \\"{{phone}}\\"" for place, phone in enumerate(said.split())]
        head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(len(rows) / 10), "<exists>", "1"]
        head += ['"IntervalTier"', '"phones"', "0", str(len(rows) / 10), str(len(rows)), *" ".join(rows).split()]
        grid.write_text(chr(10).join(head) + chr(10))
"""


@pytest.fixture
def mfa(recordings, monkeypatch):
    """A stand-in on PATH that takes each word of a transcript for a phone of 0.1 s; gives what it was asked."""
    program, log = recordings / "bin" / "mfa", recordings / "mfa.log"
    write(program, MFA.format(python=sys.executable, log=str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    for name, words in (("mary/a.lab", "sil AA S IY sil"), ("mary/b.txt", "IY AA\n"), ("john/a.lab", "S IY AA")):
        write(recordings / "wavs" / name, words)
    return lambda: log.read_text().splitlines() if log.exists() else []


class TestMfa:
    def test_transcripts_are_aligned_and_textgrids_kept(self, align, recordings, mfa):
        ran = align("--mfa", recordings / "wavs", recordings / "avg", textgrids=False)
        assert (ran.code, len(ran.paths)) == (0, 3)
        model = "english_us_arpa english_us_arpa"
        assert mfa() == [f"{model} ['IY AA', 'S IY AA', 'sil AA S IY sil']"]
        assert read_framed_phones(recordings / "avg/mary/b.avgmel.h5").symbols == ("IY", "AA")
        grid = recordings / "avg/textgrids/mary/b.TextGrid"
        assert read_provenance(grid).source.name == "b.wav + b.txt"
        second = align("--mfa", recordings / "wavs", recordings / "avg", textgrids=False)
        assert (second.out, lines(second), len(mfa())) == (ran.out, ["0 done, 3 already there"], 1)
        write(recordings / "wavs/mary/b.txt", "AA IY S")
        third = align("--mfa", recordings / "wavs", recordings / "avg", textgrids=False)
        assert third.code == 0
        assert mfa()[1:] == [f"{model} ['AA IY S']"], "the others are not aligned again"
        kept = align(recordings / "wavs", recordings / "other", "--textgrids", recordings / "avg/textgrids")
        assert kept.code == 0

    def test_other_models_make_all_again(self, align, recordings, mfa):
        models = ("--dictionary", "german_mfa", "--acoustic-model", "german_mfa")
        grids = recordings / "kept"
        for options in ((), models):
            assert align("--mfa", *options, "--textgrids", grids, recordings / "wavs", recordings / "avg").code == 0
        assert [line.split(" [")[0] for line in mfa()] == ["english_us_arpa english_us_arpa", "german_mfa german_mfa"]
        assert {path.name for path in grids.rglob("*.TextGrid")} == {"a.TextGrid", "b.TextGrid"}

    def test_what_mfa_cannot_do_is_told(self, align, recordings, mfa):
        write(recordings / "wavs/mary/a.lab", "misfit")
        (recordings / "wavs/mary/b.txt").unlink()
        ran = align(
            "--mfa", "--errors", recordings / "errors", recordings / "wavs", recordings / "avg", textgrids=False
        )
        assert (ran.code, len(ran.paths)) == (1, 1)
        wavs = recordings / "wavs" / "mary"
        assert f"{wavs}/a.wav: mfa could not align it with {wavs}/a.lab" in ran.err
        assert f"{wavs}/b.wav: has no transcript beside it (NAME.lab or NAME.txt) for mfa" in ran.err
        failed = [json.loads(line)["path"] for line in (recordings / "errors").read_text().splitlines()]
        assert failed == [str(wavs / "a.wav"), str(wavs / "b.wav")]

    def test_when_it_fails_its_last_words_are_told(self, align, recordings, mfa):
        write(recordings / "wavs/mary/a.lab", "crash")
        ran = align("--mfa", recordings / "wavs", recordings / "avg", textgrids=False)
        assert (ran.code, ran.out) == (1, "")
        assert "mfa align ended with code 1: no such model: english_us_arpa" in ran.err
        assert "mfa model download acoustic english_us_arpa" in ran.err
        assert not list(recordings.rglob("*.avgmel.h5"))

    def test_when_it_is_not_there_the_command_is_told(self, align, recordings, monkeypatch):
        monkeypatch.setenv("PATH", str(recordings))
        ran = align("--mfa", recordings / "wavs", recordings / "avg", textgrids=False)
        assert (ran.code, ran.out) == (1, "")
        assert "conda install -c conda-forge montreal-forced-aligner" in ran.err
        assert ran.err.count("\n") == 1

    def test_a_textgrid_of_the_user_stays(self, align, recordings, mfa):
        before = (recordings / "grids/mary/a.TextGrid").read_bytes()
        ran = align("--mfa", recordings / "wavs", recordings / "avg")
        assert ran.code == 1
        assert "not made by these tools" in ran.err
        assert (recordings / "grids/mary/a.TextGrid").read_bytes() == before


class TestPocketsphinx:
    @pytest.fixture
    def spoken(self, tmp_path):
        """said/a.wav, said/b.wav, spoken by espeak-ng."""
        pytest.importorskip("pocketsphinx")
        speech = pytest.importorskip("tk_tools.demo.speech")
        (tmp_path / "said").mkdir()
        for name, words in (("a", "She sees the sea."), ("b", "The weather was very good.")):
            sound = speech.speak(words, rate=140)
            soundfile.write(tmp_path / "said" / f"{name}.wav", sound.samples, sound.sample_rate)
        return tmp_path / "said"

    def test_phones_are_heard(self, tk, spoken, tmp_path):
        ran = tk("tk-align", "--recogniser", "pocketsphinx", spoken, tmp_path / "avg")
        assert (ran.code, len(ran.paths)) == (0, 2)
        table = read_phone_averages(tmp_path / "avg/averages.phones.h5")
        assert all(symbol == "sil" or symbol.isupper() for symbol in table.symbols), "noises are silence"
        hiss, vowel = (table.average[table.symbols.index(symbol)] for symbol in ("S", "IY"))
        tilts = [average[60:].mean() - average[:20].mean() for average in (hiss, vowel)]
        assert tilts[0] > tilts[1] + 1, "hisses are high"
        second = tk("tk-align", "--recogniser", "pocketsphinx", spoken, tmp_path / "avg")
        assert (second.out, lines(second)) == (ran.out, ["0 done, 2 already there"])

    def test_a_transcript_is_laid_on_the_sound(self, tk, spoken, tmp_path):
        (spoken / "a.txt").write_text("She sees the sea.")
        (spoken / "b.txt").write_text("The wether was very good.")
        ran = tk("tk-align", "--recogniser", "pocketsphinx", spoken, tmp_path / "avg")
        assert (ran.code, len(ran.paths)) == (0, 2)
        phones = [s for s in read_framed_phones(tmp_path / "avg/a.avgmel.h5").symbols if s != "sil"]
        assert phones in [["SH", "IY", "S", "IY", "Z", "DH", vowel, "S", "IY"] for vowel in ("AH", "IY")]
        (told,) = [line for line in lines(ran) if "its phones are those heard" in line]
        assert told.startswith(
            f"{spoken}/b.wav: its phones are those heard: {spoken}/b.txt: 'wether' is not in the dic"
        )

    def test_silence_and_what_is_too_short(self, tk, spoken, tmp_path):
        for name, seconds in (("silent", 1.0), ("short", 0.05), ("none", 0.001)):
            soundfile.write(spoken / f"{name}.wav", np.zeros(int(seconds * 16000)), 16000)
        ran = tk("tk-align", "--recogniser", "pocketsphinx", spoken, tmp_path / "avg")
        assert (ran.code, len(ran.paths)) == (1, 2)
        assert lines(ran)[-1] == "2 done, 3 failed"
        assert all(f"/{name}." in ran.err for name in ("silent", "short", "none"))

    def test_a_missing_package_is_named_with_its_command(self, align, recordings, monkeypatch):
        monkeypatch.setitem(sys.modules, "pocketsphinx", None)
        ran = align("--recogniser", "pocketsphinx", recordings / "wavs", recordings / "avg", textgrids=False)
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
        assert "pip install pocketsphinx" in ran.err
