"""tk-phonemize: texts and lists to phonemes, printed or in files; what cannot be spoken is told with its line."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.conftest import SCRIPTS
from tk_tools.files.phonemes_file import read_phonemes_file

pytest.importorskip("phonemizer")
pytest.importorskip("espeakng_loader")
TOOL = "tk-phonemize"
HELLO = "həlˈoʊ , wˈɜːld !"


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    (folder / "more").mkdir(parents=True)
    (folder / "a.txt").write_text("Hello, world!\nIt costs $12.50.\n")
    (folder / "more" / "list.txt").write_text("x/1.wav|Hello, world!|3\nx/2.wav|Hello, world!|4\n")
    return folder


def test_one_operand_is_printed(tk, texts):
    ran = tk(TOOL, texts)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        HELLO,
        "ɪt kˈɔsts twˈɛlv dˈɑːlɚz ænd fˈɪfti sˈɛnts .",
        f"x/1.wav|{HELLO}|3",
        f"x/2.wav|{HELLO}|4",
    ]
    rows = [json.loads(line) for line in tk(TOOL, "--json", texts).out.splitlines()]
    assert rows[0] == {"path": str(texts / "a.txt"), "line": 1, "phonemes": HELLO}
    assert (rows[3]["recording"], rows[3]["speaker"], rows[3]["line"]) == ("x/2.wav", "4", 2)


def test_files_keep_their_folders_and_a_second_run_does_nothing(tk, texts, tmp_path):
    out = tmp_path / "out"
    ran = tk(TOOL, "--workers", "2", texts, out)
    assert (ran.code, ran.paths) == (0, [out / "a.phonemes.txt", out / "more" / "list.phonemes.txt"])
    assert [str(said) for said in read_phonemes_file(ran.paths[1])] == [f"x/1.wav|{HELLO}|3", f"x/2.wav|{HELLO}|4"]
    before = [path.stat().st_mtime_ns for path in ran.paths]
    again = tk(TOOL, texts, out)
    assert (again.code, again.paths) == (0, ran.paths)
    assert "2 already there" in again.err
    assert [path.stat().st_mtime_ns for path in ran.paths] == before
    (texts / "a.txt").write_text("Hello, world!\n")
    assert "1 done (1 replaced), 1 already there" in tk(TOOL, texts, out).err
    assert "2 done (2 replaced)" in tk(TOOL, "--no-normalise", texts, out).err


def test_paths_from_a_pipe_and_the_same_bytes_from_any_number_of_workers(tk, texts, tmp_path):
    listed = f"{texts}/more/list.txt\n{texts}/a.txt\n".encode()
    one = tk(TOOL, "-", tmp_path / "one", stdin=listed)
    two = tk(TOOL, "--workers", "2", "-", tmp_path / "two", stdin=listed)
    assert (one.code, two.code) == (0, 0)
    assert [path.name for path in one.paths] == ["list.phonemes.txt", "a.phonemes.txt"]
    for first, second in zip(one.paths, two.paths, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert tk(TOOL, "-", stdin=listed).out.splitlines()[0] == f"x/1.wav|{HELLO}|3"
    assert tk(TOOL, "-").code == 2


def test_beside_the_texts_the_results_are_not_read_again(tk, texts):
    first = tk(TOOL, texts, texts)
    again = tk(TOOL, texts, texts)
    assert (again.code, again.paths) == (0, first.paths)
    assert "2 already there, 2 left out" in again.err


def test_a_text_in_place_of_files(tk):
    assert tk(TOOL, "--text", "Hello, world!").out == f"{HELLO}\n"
    assert json.loads(tk(TOOL, "--json", "--text", "Hello, world!").out)["phonemes"] == HELLO
    assert tk(TOOL, "--no-normalise", "--text", "$5").out == "dˈɑːlɚ fˈaɪv\n"
    french = tk(TOOL, "--language", "fr-fr", "--text", "Bon.")
    assert french.out == "bˈɔ̃ .\n"
    assert "symbols that StyleTTS 2 lacks and leaves out: U+0303" in french.err
    for text in ("", "...", "\N{ZERO WIDTH SPACE}"):
        ran = tk(TOOL, "--text", text)
        assert (ran.code, ran.out) == (1, "")
        assert "nothing can be spoken" in ran.err
    assert tk(TOOL, "--text", "a\udcff").code == 2
    assert tk(TOOL, "--text", "Hello", "a.txt").code == 2


def test_bad_files_are_told_and_the_others_are_done(tk, texts, tmp_path):
    bad = {
        "empty.txt": (b"", "is empty (0 bytes)"),
        "bytes.txt": (b"Good.\n\xff\xfe\n", "line 2 is not UTF-8 text"),
        "fields.txt": (b"a.wav|One.|0\nb.wav|0\n", "line 2 has 2 fields, and those before have 3"),
        "marks.txt": (b"...\n?!\n", "holds nothing that can be spoken"),
    }
    for name, (content, _) in bad.items():
        (texts / name).write_bytes(content)
    errors = tmp_path / "errors.ndjson"
    for arguments in ((texts,), (texts, tmp_path / "out")):
        ran = tk(TOOL, "--errors", errors, *arguments)
        assert ran.code == 1
        assert len(ran.out.splitlines()) == (4 if len(arguments) == 1 else 2)
        for name, (_, says) in bad.items():
            assert any(f"{name}: {says}" in line for line in ran.err.splitlines()), name
        assert {os.path.basename(json.loads(line)["path"]) for line in errors.read_text().splitlines()} == set(bad)
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {"a.phonemes.txt", "list.phonemes.txt"}


def test_what_is_silent_too_long_or_outside_the_table_is_told_with_its_line(tk, tmp_path):
    source = tmp_path / "list.txt"
    source.write_text(
        f"1.wav|Hello.|0\n2.wav|...|0\n3.wav|{'So it goes, and on. ' * 60}|0\n4.wav|Rehearsal 5% (x) |0\n"
    )
    for arguments in ((source,), (source, tmp_path / "out")):
        ran = tk(TOOL, "--no-normalise", *arguments)
        assert ran.code == 0
        assert "nothing can be spoken in line 2, left out" in ran.err
        assert "line 3: over 510 symbols, the most that StyleTTS 2 takes" in ran.err
        assert "symbols that StyleTTS 2 lacks and leaves out: '(' (line 4), ')' (line 4)" in ran.err
    assert [said.recording for said in read_phonemes_file(tmp_path / "out" / "list.phonemes.txt")] == [
        "1.wav",
        "3.wav",
        "4.wav",
    ]


def test_fifty_thousand_words_of_any_script_become_utterances_that_fit(tk, tmp_path):
    source = tmp_path / "book.txt"
    sentence = "The quick brown fox, it jumped over the lazy dog at www.example.com, 日本語 и привет 😀. "
    source.write_text(sentence * 3500)  # one line
    ran = tk(TOOL, source, tmp_path / "out")
    assert ran.code == 0
    (told,) = ran.err.splitlines()
    assert told.endswith("cannot be spoken in this language: Chinese letters (line 1), Cyrillic letters (line 1)")
    said = list(read_phonemes_file(ran.paths[0]))
    assert len(said) == 3500
    assert max(len(utterance.text) for utterance in said) <= 510
    assert "dˈɑːt" in said[0].text


def test_a_language_without_a_voice_is_wrong_usage_told_once(tk, texts, tmp_path):
    for arguments in ((texts,), (texts, tmp_path / "out"), ("--text", "Hello")):
        ran = tk(TOOL, "--language", "en-uk", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.count("no voice for 'en-uk'; near it are") == 1
        assert "en-gb" in ran.err
    assert not (tmp_path / "out").exists()
    assert tk(TOOL, "--language", "de", "--text", "Guten Tag, Welt!").out == "ɡˈuːtən tˈɑːk , vˈɛlt !\n"


def test_a_missing_package_is_told_once_with_the_command(texts, tmp_path):
    code = (
        "import sys; sys.modules['phonemizer'] = None; from tk_tools.cli.phonemize import command; "
        "from tk_tools.cli._main import run; sys.exit(run(command, sys.argv[1:]))"
    )
    for arguments in ((texts,), (texts, tmp_path / "out")):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("pip install phonemizer") == 1
        assert "Traceback" not in done.stderr


def test_a_closed_pipe_and_a_shard(texts, installed):
    done = subprocess.run(
        f"'{SCRIPTS / TOOL}' '{texts}' | head -1", shell=True, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{HELLO}\n", "")
    assert installed(TOOL, "--shard", "2/2", texts).out.splitlines()[0] == f"x/1.wav|{HELLO}|3"


def test_a_file_of_the_user_is_kept(tk, texts, tmp_path):
    mine = tmp_path / "out" / "a.phonemes.txt"
    mine.parent.mkdir()
    mine.write_text("mine\n")
    ran = tk(TOOL, texts / "a.txt", tmp_path / "out")
    assert (ran.code, mine.read_text()) == (1, "mine\n")
    assert "not made by these tools" in ran.err
