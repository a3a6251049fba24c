"""Stage aligner: its losses and measures by hand, what it hands on, resumes, and where it finds the phonemes."""

import shutil

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import numbers
from tests.train.helpers import Told, same
from tk_tools.demo.sentences import KINDS, THINGS
from tk_tools.demo.speech import speak
from tk_tools.models import get_model, load
from tk_tools.models.stages import suffixes_of
from tk_tools.models.styletts2.aligner import Heard
from tk_tools.models.styletts2.config import AlignerConfig
from tk_tools.models.styletts2.losses import spelling_loss
from tk_tools.models.styletts2.published import load_aligner
from tk_tools.models.styletts2.training.aligner import (
    aligner_losses,
    edit_distance,
    guided_loss,
    on_path,
    phoneme_error,
)
from tk_tools.models.styletts2.training.data import QUIET_ENDS, Recordings, inspect_list
from tk_tools.models.styletts2.training.one_cycle import OneCycle
from tk_tools.nets.monotonic_alignment import maximum_path
from tk_tools.text.phonemes import Phonemiser
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config
from tk_tools.train.run_folder import RunFolder
from tk_tools.train.session import run_stage
from tk_tools.train.task import Draw

STAGE = get_model("styletts2").stage("aligner")
SIZES = {"aligner_channels": 16, "aligner_embedding": 8, "aligner_layers": 1, "aligner_filters": 4, "aligner_reach": 7}
CONSONANTS = "mszfvbkpn"  # that espeak-ng writes as the international alphabet does
SMALL = {
    "sizes": SIZES,
    "batch_size": 2,
    "learning_rate": 1e-3,
    "loader_workers": 0,
    "accelerator": "cpu",
    "log_every": 1,
    "validate_every": 2,
    "checkpoint_every": 2,
}
BATCH = {
    "tokens": torch.tensor([[0, 20, 21, 16, 22, 0], [0, 23, 23, 0, 0, 0]]),
    "token_lengths": torch.tensor([6, 4]),
    "mel_lengths": torch.tensor([24, 16]),
}


def train(folder, paths, needs=None, val=(), preset=None, **values):
    return run_stage(
        model="styletts2",
        stage="aligner",
        task=load(STAGE.task),
        config=make_config(load(STAGE.config), preset, values=(SMALL if preset is None else {}) | values),
        clips=ClipFiles(paths, val),
        suffixes=suffixes_of(STAGE),
        needs=needs or {},
        out=folder,
        log=Told(),
        command="test",
    )


def heard(ctc):
    return Heard(ctc, torch.randn(2, 7, 178), torch.rand(2, 7, ctc.shape[1]).softmax(dim=-1))


def test_the_losses_count_each_item_alone():
    torch.manual_seed(0)
    ctc = torch.randn(2, 12, 178)
    given = heard(ctc)
    losses = aligner_losses(given, BATCH)
    parts = []
    for logits, text, steps in zip(ctc, ([20, 21, 16, 22], [23, 23]), (12, 8), strict=True):
        one = functional.ctc_loss(
            logits[:steps].log_softmax(-1), torch.tensor(text), torch.tensor(steps), torch.tensor(len(text))
        )
        parts.append(one)
    assert losses["ctc"] == pytest.approx(float(sum(parts) / 2), rel=1e-5)
    assert losses["spelling"] == spelling_loss(given.logits, BATCH["tokens"], BATCH["token_lengths"])


def test_a_text_that_cannot_be_told_apart_in_its_steps_gives_no_infinite_loss():
    batch = BATCH | {"tokens": torch.full((2, 12), 23), "token_lengths": torch.tensor([12, 12])}
    assert torch.isfinite(
        aligner_losses(heard(torch.randn(2, 12, 178))._replace(logits=torch.zeros(2, 13, 178)), batch)["ctc"]
    )


def test_phonemes_are_counted_without_marks_and_repeats():
    said = [[20, 20, 0, 21, 16, 16, 22, 0, 0, 0, 0, 0], [23, 0, 0, 24, 5, 0, 0, 0, 99, 99, 99, 99]]
    ctc = functional.one_hot(torch.tensor(said), 178).float()
    assert float(phoneme_error(ctc, BATCH)) == pytest.approx(1 / 5)  # a 24 for the second 23, none behind the end
    pairs = (("kitten", "sitting"), ("", "abc"), ("abc", ""), ("flaw", "lawn"))
    assert [edit_distance(list(heard), list(said)) for heard, said in pairs] == [3, 3, 3, 2]


def test_the_path_holds_all_of_an_attention_that_goes_straight():
    attention = torch.zeros(2, 7, 12)
    for token in range(6):
        attention[0, token + 1, 2 * token] = 1
        attention[1, token + 1, min(2 * token, 7)] = 1
    assert float(on_path(attention, BATCH)) == 1
    assert float(on_path(torch.full((2, 7, 12), 1 / 12), BATCH)) < 0.3


def test_attention_is_guided_along_the_straight_way():
    straight, astray = torch.zeros(2, 2, 7, 12)
    for token in range(7):
        straight[0, token, min(2 * token, 11)] = straight[1, token, min(2 * token, 7)] = 1
        astray[0, token, 11 - min(2 * token, 11)] = astray[1, token, 7 - min(2 * token, 7)] = 1
    assert float(guided_loss(straight, BATCH)) < 0.01
    assert float(guided_loss(astray, BATCH)) > 0.5


def test_the_schedule_is_that_of_torch():
    def optimizer():
        return torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))], lr=5e-4, betas=(0.85, 0.98))

    ours, theirs = optimizer(), optimizer()
    schedule = OneCycle(ours, 20)
    original = torch.optim.lr_scheduler.OneCycleLR(theirs, 5e-4, total_steps=20, pct_start=0.0, final_div_factor=5)
    for _ in range(20):
        mine, its = ours.param_groups[0], theirs.param_groups[0]
        assert mine["lr"] == pytest.approx(its["lr"], rel=1e-6)
        assert mine["betas"] == pytest.approx(its["betas"], rel=1e-6)
        for one in (ours, theirs):
            one.step()
        schedule.step()
        if original.last_epoch < 19:
            original.step()


def test_a_schedule_that_ends_with_the_last_step_keeps_it():
    for stage, free in (("aligner", False), ("pitch", False), ("first", True)):
        config = load(get_model("styletts2").stage(stage).config)()
        assert ("max_steps" in config.free_keys()) == free, stage


def test_it_resumes_within_an_epoch_and_is_handed_on(tmp_path):
    made = write_list(tmp_path / "wavs", count=5)
    train(tmp_path / "unbroken", [made], max_steps=3, checkpoint_every=1, keep_checkpoints=3)
    shutil.copytree(tmp_path / "unbroken", tmp_path / "broken")
    for step in (2, 3):
        RunFolder(tmp_path / "broken").checkpoint(step).unlink()
    best = train(tmp_path / "broken", [made], max_steps=3, checkpoint_every=1, keep_checkpoints=3)
    runs = [RunFolder(tmp_path / name) for name in ("unbroken", "broken")]
    states = [checkpoint.load(run.checkpoint(3)) for run in runs]
    assert same(*(state["modules"] for state in states))
    assert same(*(state["optimizers"] for state in states))
    aligner = load_aligner(best)
    assert aligner.asr_s2s.attention_layer.location_layer.location_conv.conv.weight.shape == (4, 2, 7)
    assert [path.suffixes for path in (tmp_path / "broken/samples/step_00000003").iterdir()] == [[".attention", ".png"]]
    begun = train(tmp_path / "more", [made], {"init": best}, max_steps=1, learning_rate=1e-9)
    assert all(
        torch.allclose(a, b, atol=1e-6)
        for a, b in zip(aligner.state_dict().values(), load_aligner(begun).state_dict().values(), strict=True)
    )


def write_phrases(folder, count):
    """A list of `count` phrases in a made voice, and of each of the first 20 where espeak-ng says consonants: places
    among the tokens, with the middle of each in seconds."""
    folder.mkdir()
    random, phonemiser = np.random.default_rng(0), Phonemiser()
    lines, middles = [], []
    for number in range(count):
        words = (kinds[random.integers(len(kinds))] for kinds in (KINDS, THINGS))
        text = " ".join(words)
        speech, phonemes = speak(text, voice="en-us+m1"), phonemiser.phonemes(text)
        soundfile.write(folder / f"{number:03d}.wav", speech.samples, speech.sample_rate)
        lines.append(f"{number:03d}.wav|{phonemes}|m1\n")
        said = [one for one in speech.phonemes if one.name in CONSONANTS]
        places = [place for place, symbol in enumerate(phonemes, start=1) if symbol in CONSONANTS]
        assert "".join(one.name for one in said) == "".join(phonemes[place - 1] for place in places)
        times = [(one.start + one.stop) / 2 / speech.sample_rate + QUIET_ENDS / 24000 for one in said]
        middles.append(dict(zip(places, times, strict=True)))
    (folder / "train.phonemes.txt").write_text("".join(lines[20:]), encoding="utf-8")
    (folder / "val.phonemes.txt").write_text("".join(lines[:20]), encoding="utf-8")
    return middles[:20]


@pytest.mark.slow
def test_the_phonemes_of_made_speech_are_found_where_they_are_said(tmp_path):
    """Preset tiny for a few hundred steps on 100 phrases: of others, what is said and where. Without a guide, the
    aligner looks nowhere by then: it knows its tokens from those before them."""
    pytest.importorskip("phonemizer")
    middles = write_phrases(tmp_path / "wavs", 120)
    values = {"max_steps": 300, "validate_every": 300, "accelerator": "cpu"}
    lists = [tmp_path / f"wavs/{name}.phonemes.txt" for name in ("train", "val")]
    best = train(tmp_path / "run", lists[:1], val=lists[1:], preset="tiny", **values)
    aligner = load_aligner(best)
    data = Recordings(list(inspect_list(lists[1], AlignerConfig()).clips.values()), AlignerConfig())
    off = []
    for number, times in enumerate(middles):
        item = data[Draw(number, seed=0)]
        steps = item["mel"].shape[1] // 2
        with torch.no_grad():
            heard = aligner(item["mel"][None], torch.zeros(1, steps, dtype=torch.bool), item["tokens"][None])
        tokens = item["tokens"].shape[0]
        # the turn that spells a token is the one before it is given
        path = maximum_path(heard.attention[:, :-1], torch.tensor([tokens]), torch.tensor([steps]))[0]
        for place, time in times.items():
            said = path[place].nonzero().float()
            off.append(abs(float(said.mean() + 0.5) * 0.025 - time))
    assert np.median(off) < 0.06
    assert numbers(tmp_path / "run", "val/phoneme_error")[-1] < 0.4
