"""The StyleTTS 2 recipe, as a user starts it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import SCRIPTS
from tests.models.styletts2.recordings import TEXTS, write_list
from tests.recipes.shell import shell
from tk_tools.files.transcripts import Transcripts
from tk_tools.models import get_model, load
from tk_tools.train.config import make_config

RECIPE = Path(__file__).parents[2] / "recipes" / "styletts2"
STAGES = ("aligner", "pitch", "first", "second")
# What the published configurations of yl4579/StyleTTS2 say: LJSpeech, LibriTTS, fine-tuning.
SHARED = {"learning_rate": 1e-4, "mel_weight": 5, "generator_weight": 1, "hearing_weight": 1}
LATER = {
    "bert_learning_rate": 1e-5,
    "pitch_weight": 1,
    "energy_weight": 1,
    "duration_weight": 1,
    "ending_weight": 20,
    "style_weight": 1,
    "diffusion_weight": 1,
}
ADVERSARY = {"shortest": 400, "longest": 500, "share": 0.5, "threshold": 5, "scale": 0.01, "sigma": 1.5}
ALIGNED = {"monotonic_weight": 1, "spelling_weight": 1}
LJSPEECH = SHARED | {"many_voices": False, "decoder": "istftnet", "batch_size": 16, "max_frames": 400}
LIBRITTS = SHARED | {"many_voices": True, "decoder": "hifigan", "batch_size": 16, "max_frames": 300}
PUBLISHED = {
    ("ljspeech", "first"): LJSPEECH | ALIGNED | {"epochs": 200, "adversarial_from": 50},
    ("ljspeech", "second"): LJSPEECH
    | LATER
    | {"epochs": 100, "diffusion_from": 20, "joint_from": 50, "tuned_learning_rate": 1e-5}
    | {"adversary": ADVERSARY | {"every": 10}},
    ("libritts", "first"): LIBRITTS | ALIGNED | {"epochs": 50, "adversarial_from": 5},
    ("libritts", "second"): LIBRITTS
    | LATER
    | {"epochs": 30, "diffusion_from": 10, "joint_from": 15, "tuned_learning_rate": 1e-5}
    | {"adversary": ADVERSARY | {"every": 20}},
    ("finetune", "finetune"): LIBRITTS
    | LATER
    | ALIGNED
    | {"epochs": 50, "batch_size": 8, "max_frames": 400, "diffusion_from": 10, "joint_from": 30}
    | {"tuned_learning_rate": 1e-4, "adversary": ADVERSARY | {"every": 10}},
}


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


@pytest.mark.parametrize(("name", "stage"), PUBLISHED)
def test_the_configurations_hold_the_published_values(name, stage):
    values = yaml.safe_load((RECIPE / "conf" / f"{name}.yaml").read_text())
    values = values if name == stage else values[stage]
    made = make_config(load(get_model("styletts2").stage(stage).config), values=values).model_dump()
    published = dict(PUBLISHED[name, stage])
    adversary = published.pop("adversary", None)
    assert {key: made[key] for key in published} == published
    assert adversary is None or made["adversary"] == adversary


def test_a_list_of_texts_does_not_say_which_of_two_recordings_it_means(tmp_path):
    for speaker in ("me", "you"):
        write_list(tmp_path / "wavs" / speaker, count=1)
    (tmp_path / "metadata.csv").write_text("0|twelve men\n")
    given = ("--stop-stage", 0, "--texts", tmp_path / "metadata.csv")
    done = shell(RECIPE / "run.sh", *given, tmp_path / "wavs", tmp_path / "work")
    assert done.returncode == 1
    assert "several recordings are called 0:" in done.stderr


def with_stub(folder, *command):
    """A command for which tk-infer does nothing but keep its last two operands, a line each, in folder/said."""
    stub = folder / "stub" / "tk-infer"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\nprintf '%s\\n' \"$@\" | tee -a '{folder}/said'\n")
    stub.chmod(0o755)
    return shell("env", f"PATH={stub.parent}:{SCRIPTS}:{os.environ['PATH']}", *command)


def test_two_speakers_may_have_recordings_of_one_name(tmp_path):
    """What was said, its transcript and its recording belong together."""
    work = tmp_path / "work"
    (work / "lists").mkdir(parents=True)
    words = {"me": "a dog", "you": "two cats"}
    (work / "texts.txt").write_text("".join(f"/wavs/{who}/001.wav|{said}|{who}\n" for who, said in words.items()))
    lines = "".join(f"/wavs/{who}/001.wav|x|{who}\n" for who in words)
    for path in (work / "lines.txt", work / "lists/train.phonemes.txt", work / "lists/val.phonemes.txt"):
        path.write_text(lines)
    done = with_stub(tmp_path, RECIPE / "run.sh", "--stage", 7, "--stop-stage", 7, tmp_path / "wavs", work)
    assert done.returncode == 0, done.stderr
    transcripts = Transcripts(work / "sentences")
    pairs = [line.split("\t") for line in (work / "pairs.tsv").read_text().splitlines()]
    assert len(pairs) == 2
    for made, recording in pairs:
        speaker = Path(recording).parent.name
        assert Path(made).parent == work / "said" / speaker
        assert transcripts.of(Path(made).stem) == words[speaker]


def write_recordings(folder):
    """Two recordings of one speaker with their texts."""
    write_list(folder, count=2)
    (folder / "made.phonemes.txt").unlink()
    for number in range(2):
        (folder / f"{number}.txt").write_text(TEXTS[number])


@pytest.mark.parametrize("text", ["I don't know", 'It costs $5; "really"?', "'; touch injected; '", "- no"])
def test_make_says_a_text_as_it_stands(text, tmp_path):
    write_recordings(tmp_path / "wavs" / "me")
    done_mark = tmp_path / "work/runs/second/.done"
    done_mark.parent.mkdir(parents=True)
    done_mark.touch()
    given = (f"DATA={tmp_path}/wavs", f"WORK={tmp_path}/work", f"TEXT={text}")
    done = with_stub(tmp_path, "make", "-C", RECIPE, "-o", done_mark, *given, "said")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said").read_text().splitlines() == [text, str(tmp_path / "work/said.wav")]
    assert not (RECIPE / "injected").exists()


def test_make_trains_the_stages_in_their_order(tmp_path):
    write_recordings(tmp_path / "wavs" / "me")
    (tmp_path / "wavs" / "me" / "0.phonemes.txt").write_text("what tk-phonemize leaves beside a text")
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
