"""The StyleTTS 2 recipe, as a user starts it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.models.styletts2.recordings import TEXTS, write_list
from tests.recipes.shell import shell

RECIPE = Path(__file__).parents[2] / "recipes" / "styletts2"
STAGES = ("aligner", "pitch", "first", "second")


def test_recordings_become_lists_of_phonemes(voices, tmp_path):
    pytest.importorskip("phonemizer")
    work = tmp_path / "work"
    done = shell(RECIPE / "run.sh", "--stop-stage", 2, "--val", "0.3", voices, work)
    assert done.returncode == 0, done.stderr
    lines = {
        name: (work / f"lists/{name}.phonemes.txt").read_text(encoding="utf-8").splitlines()
        for name in ("train", "val")
    }
    fields = [line.split("|") for line in lines["train"] + lines["val"]]
    assert sorted(path for path, *_ in fields) == sorted(map(str, voices.glob("*/*.wav")))
    assert all(speaker == Path(path).parent.name for path, _, speaker in fields)
    assert all("ˈ" in phonemes for _, phonemes, _ in fields)


def test_texts_of_a_list_go_to_their_recordings(tmp_path):
    """As LJSpeech has them: the last field holds the words; what has none is left out."""
    write_list(tmp_path / "wavs", count=3)
    (tmp_path / "wavs/made.phonemes.txt").unlink()
    (tmp_path / "metadata.csv").write_text("0|12 men|twelve men\n2|a dog|a dog")
    work = tmp_path / "work"
    done = shell(RECIPE / "run.sh", "--stop-stage", 0, "--texts", tmp_path / "metadata.csv", tmp_path / "wavs", work)
    assert done.returncode == 0, done.stderr
    assert (work / "texts.txt").read_text().splitlines() == [
        f"{tmp_path}/wavs/0.wav|twelve men|wavs",
        f"{tmp_path}/wavs/2.wav|a dog|wavs",
    ]
    assert "1.wav has no text" in done.stderr


@pytest.mark.parametrize("name", ["ljspeech", "libritts"])
def test_the_configurations_are_those_of_the_stages(name, tmp_path):
    config = RECIPE / "conf" / f"{name}.yaml"
    assert tuple(yaml.safe_load(config.read_text())) == STAGES
    done = shell("tk-train", "styletts2", "--config", config, "--print-config", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_configuration_of_fine_tuning_is_that_of_its_stage(tmp_path):
    config = RECIPE / "conf" / "finetune.yaml"
    done = shell("tk-train", "styletts2", "--stage", "finetune", "--config", config, "--print-config", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_make_trains_the_stages_in_their_order(tmp_path):
    folder = tmp_path / "wavs" / "me"
    write_list(folder, count=2)
    (folder / "made.phonemes.txt").unlink()
    for number in range(2):
        (folder / f"{number}.txt").write_text(TEXTS[number])
    (folder / "0.phonemes.txt").write_text("what tk-phonemize leaves beside a text")
    done = shell("make", "-n", "-C", RECIPE, f"DATA={tmp_path}/wavs", f"WORK={tmp_path}/work", "said")
    assert done.returncode == 0, done.stderr
    assert "phonemes.wav" not in done.stdout
    assert "0.phonemes" not in done.stdout
    calls = [line.split() for line in done.stdout.splitlines() if line.startswith(("tk-train", "tk-infer"))]
    assert [call[3] for call in calls[:-1]] == list(STAGES)
    assert calls[-1][:2] == ["tk-infer", "styletts2"]
    assert "--reference" not in calls[-1]  # one voice
    assert not (tmp_path / "work").exists()


@pytest.mark.slow
def test_whole_recipe_from_recordings_to_measured_speech(voices, tmp_path):
    """Networks so small, and so few steps, that nothing is learnt: it is about every stage finding its files."""
    pytest.importorskip("phonemizer")
    config, work = tmp_path / "conf.yaml", tmp_path / "work"
    shared = {"max_steps": 2, "validate_every": 2, "checkpoint_every": 2, "batch_size": 2}
    values = {stage: dict(shared) for stage in STAGES}
    values["second"]["sizes"] = {"longest_duration": 8}  # untrained, each token lasts half as long
    config.write_text(yaml.safe_dump(values))
    settings = ("--preset", "tiny", "--config", config, "--val", "0.3", "--sentences", "1")
    done = shell(RECIPE / "run.sh", *settings, "--recogniser", "pocketsphinx", voices, work, timeout=1500)
    assert done.returncode == 0, done.stderr
    said = list((work / "said").rglob("*.wav"))
    assert len(said) == 1
    report = {path.name for path in (work / "report").iterdir()}
    assert {"index.html", "said.tsv", *(f"{stage}.png" for stage in STAGES)} <= report
    again = shell(RECIPE / "run.sh", *settings, "--stop-stage", 6, voices, work, timeout=600)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("finished already") == 4
