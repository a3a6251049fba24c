"""Stage first through the loop: it learns, resumes to the same numbers, and hands on what the second stage reads."""

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from tests.golden.golden import settle_spectral_norms
from tests.models.hifigan.sounds import voice
from tests.models.styletts2.recordings import write_list
from tests.models.styletts2.stages import config_of, numbers, train, write_listeners
from tests.train.helpers import same
from tk_tools.errors import ConfigError, TrainingError, WeightsError
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.losses import (
    MelDistance,
    discriminator_loss,
    generator_loss,
    relativistic_loss,
    spelling_loss,
)
from tk_tools.models.styletts2.published import load_aligner, load_pitch_extractor, load_styletts2
from tk_tools.models.styletts2.training.data import inspect_list
from tk_tools.models.styletts2.training.first import Drawn, FirstTask, Stretches
from tk_tools.nets.period_discriminator import Judgement
from tk_tools.train import checkpoint
from tk_tools.train.run_folder import RunFolder, read_weights
from tk_tools.train.session import make_fabric
from tk_tools.train.task import Draw


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A list of recordings, and what listens."""
    folder = tmp_path_factory.mktemp("first")
    return write_list(folder / "wavs"), write_listeners(folder)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, made):
    """A run whose last step has the discriminators."""
    folder = tmp_path_factory.mktemp("learnt")
    shape = {"max_steps": 12, "validate_every": 12, "learning_rate": 2e-3, "epoch_steps": 1, "adversarial_from": 11.0}
    train("first", folder, *made, **shape)
    return folder


def task_of(path, needs, **values):
    """The task by itself, as the loop builds it, and a batch of two recordings."""
    torch.manual_seed(1)
    config = config_of("first", **values)
    clips = list(inspect_list(path, config).clips.values())[:2]
    task = FirstTask(config, make_fabric(config), clips, clips[:1], needs)
    return task, task.train_data.collate([task.train_data[Draw(place, 0)] for place in range(len(clips))])


@pytest.mark.slow
def test_resumed_inside_an_epoch_equals_unbroken(tmp_path, made):
    shape = {"checkpoint_every": 2, "validate_every": 3, "epoch_steps": 1, "adversarial_from": 1.0}
    train("first", tmp_path / "unbroken", *made, **shape, max_steps=3)
    train("first", tmp_path / "broken", *made, **shape, max_steps=2)
    train("first", tmp_path / "broken", *made, **shape, max_steps=3)
    first, second = (checkpoint.load(RunFolder(tmp_path / name).checkpoint(3)) for name in ("unbroken", "broken"))
    for part in ("modules", "optimizers", "task"):
        assert same(first[part], second[part])
    for column in ("train/loss", "train/discriminators"):
        assert numbers(tmp_path / "unbroken", column)[-1] == numbers(tmp_path / "broken", column)[-1]
    assert [value > 0 for value in numbers(tmp_path / "unbroken", "train/spelling")] == [False, True, True]


def test_it_learns_and_hands_on_its_parts(learnt, made):
    losses = numbers(learnt, "train/mel")
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    assert numbers(learnt, "val/mel_l1")[0] > 0
    state, about = read_weights(learnt)
    parts = {"text_encoder", "style_encoder", "decoder", "text_aligner", "pitch_extractor"}
    assert {key.partition(".")[0] for key in state} == parts
    assert (about["stage"], about["settings"]["sizes"]["bert_layers"]) == ("first", 2)
    given = load_pitch_extractor(made[1]["pitch"]).state_dict()
    assert same(load_pitch_extractor(learnt).state_dict(), given)  # it does not drift
    assert not same(load_aligner(learnt).state_dict(), load_aligner(made[1]["aligner"]).state_dict())
    with pytest.raises(WeightsError, match="is of the first stage, which does not speak from text"):
        load_styletts2(learnt)
    (folder,) = (learnt / "samples").iterdir()
    sounds = {path.name: soundfile.info(path) for path in folder.iterdir()}
    assert {name.partition(".")[2] for name in sounds} == {"made.wav", "true.wav"}
    assert {sound.samplerate for sound in sounds.values()} == {24000}
    assert {sound.frames for sound in sounds.values()} == {40 * 600}  # max_frames from the middle


def test_the_losses_are_those_of_the_published_step(made):
    """Each loss of a batch by hand, before and from `adversarial_from` on, from what the parts give by themselves."""
    for adversarial_from in (1.0, 0.0):
        task, batch = task_of(*made, adversarial_from=adversarial_from, epoch_steps=1)
        settle_spectral_norms(task.system.state_dict())
        task.system.eval()  # nothing is dropped and nothing smoothed
        steps = (batch["mel_lengths"] // 2).tolist()
        places = Stretches([0, 2], 40)
        drawn = Drawn(soft=True, hidden=torch.zeros_like(batch["tokens"], dtype=torch.bool), clips=places, heard=places)
        parts, noise = task.system, torch.random.get_rng_state()
        with torch.no_grad():
            mel = torch.stack([batch["mel"][i, :, 2 * s : 2 * s + 80] for i, s in enumerate(places.starts)])
            real = torch.stack([batch["wave"][i, 600 * s : 600 * s + 24000] for i, s in enumerate(places.starts)])
            padding = torch.arange(max(steps)) >= torch.tensor(steps)[:, None]
            heard = parts["text_aligner"](batch["mel"], padding, batch["tokens"])
            text = parts["text_encoder"](batch["tokens"], batch["token_lengths"])
            for item, length in enumerate(batch["token_lengths"].tolist()):
                heard.attention[item, length + 1 :] = 0
            laid_out = text @ heard.attention[:, 1:]
            asr = torch.stack([laid_out[i, :, s : s + 40] for i, s in enumerate(places.starts)])
            loudness = torch.log(torch.exp(4 * mel - 4).norm(dim=1))
            pitch, style = parts["pitch_extractor"](mel), parts["style_encoder"](mel)
            wave = parts["decoder"](asr, pitch, loudness, style)
            expected = {"mel": MelDistance()(wave, real)}
            if not adversarial_from:
                expected["discriminators"] = discriminator_loss(*task.discriminators(real, wave))
                expected["spelling"] = spelling_loss(heard.logits, batch["tokens"], batch["token_lengths"])
        torch.random.set_rng_state(noise)
        losses = task.learn(batch, drawn)
        for name, value in expected.items():
            assert float(losses[name]) == pytest.approx(float(value), rel=1e-4), name
        if adversarial_from:
            assert losses["loss"] == losses["mel"]
            assert losses["generator"] == losses["monotonic"] == losses["discriminators"] == 0
            continue
        with torch.no_grad():  # the discriminators of after their step judge the generator
            assert float(losses["generator"]) == pytest.approx(
                float(generator_loss(*task.discriminators(real, wave))), rel=1e-4
            )
        weights = {"mel": 5, "generator": 1, "hearing": 1, "monotonic": 1, "spelling": 1}
        total = sum(weight * float(losses[name]) for name, weight in weights.items())
        assert float(losses["loss"]) == pytest.approx(total, rel=1e-5)


def test_who_learns_when(made):
    """Before the discriminators join, the aligner stays; the pitch extractor always does, its running means too."""
    for adversarial_from, learning in ((1.0, set()), (0.0, {"text_aligner"})):
        task, batch = task_of(*made, adversarial_from=adversarial_from, epoch_steps=1)
        before = {name: value.clone() for name, value in task.system.state_dict().items()}
        task.step(batch)
        changed = {
            name.partition(".")[0] for name, value in task.system.state_dict().items() if not value.equal(before[name])
        }
        assert changed == {"text_encoder", "style_encoder", "decoder"} | learning


def test_several_speakers_as_one_voice_are_told_once(tmp_path, made, caplog):
    path = write_list(tmp_path, count=2, speakers=2)
    task_of(path, made[1], many_voices=True)
    assert not caplog.messages
    task_of(path, made[1])
    assert caplog.messages == ["the list names 2 speakers, and many_voices is off: they are learnt as one voice"]


def test_half_precision_with_small_exponents_is_refused():
    with pytest.raises(ConfigError, match="precision"):
        config_of("first", precision="16-mixed")


def test_a_style_of_many_voices_is_of_another_stretch(made):
    task, batch = task_of(*made, many_voices=True, max_frames=80)
    drawn = task.draw(batch)
    assert (drawn.clips.size, drawn.heard.size) == (40, 48)  # the shortest recording has 49 steps
    one = {name: values[:1] for name, values in batch.items()}
    settle_spectral_norms(task.system.state_dict())
    task.system.eval()
    alignment = functional.one_hot(torch.arange(49) % one["tokens"].shape[1]).T[None].float()
    one["mel"] = one["mel"][..., :98]

    def spoken(place):
        torch.manual_seed(0)
        with torch.no_grad():
            return task.speak(one, alignment, Stretches([0], 40), Stretches([place], 40))

    assert not torch.equal(spoken(0), spoken(9))
    assert all(bool(loss.isfinite()) for loss in task.step(batch).values())


@pytest.mark.parametrize("decoder", ["istftnet", "hifigan"])
def test_silence_and_a_batch_of_one_are_finite(tmp_path, made, decoder):
    """Digital silence through most of a recording, with all losses on."""
    path = write_list(tmp_path, count=1)
    sound = voice(1.0, 24000)
    sound[2000:] = 0
    soundfile.write(tmp_path / "0.wav", sound, 24000)
    task, batch = task_of(path, made[1], decoder=decoder, adversarial_from=0.0)
    for _ in range(2):
        assert all(bool(loss.isfinite()) for loss in task.step(batch).values())
    for net in task.modules.values():
        assert all(bool(weight.isfinite().all()) for weight in net.parameters())


def test_half_precision_and_ties_give_no_nan():
    """What made the original's first stage NaN: spectrograms that overflow in half precision, and the mean over no
    score where half of them or more are the least."""
    torch.manual_seed(0)
    loud = 1e5 * torch.from_numpy(voice(0.2, 24000))[None]
    with torch.autocast("cpu", dtype=torch.float16), torch.no_grad():
        (judgements,) = WaveDiscriminators(0.125)(loud)
    assert all(bool(values.isfinite().all()) for one in judgements[5:] for values in (one.scores, *one.maps))
    scores = torch.zeros(2, 8, requires_grad=True)
    loss = relativistic_loss([Judgement(scores, [])], [Judgement(torch.zeros(2, 8), [])])
    loss.backward()
    assert loss == 0
    assert scores.grad.isfinite().all()


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, made):
    with pytest.raises(TrainingError, match="there was no checkpoint yet"):
        train("first", tmp_path / "run", *made, max_steps=9, learning_rate=1e30)


def test_it_goes_on_from_a_run_with_its_discriminators(tmp_path, learnt, made):
    shape = {"max_steps": 1, "learning_rate": 1e-12, "adversarial_from": 0.0, "discriminators": str(learnt), "seed": 5}
    train("first", tmp_path, made[0], dict.fromkeys(("aligner", "pitch", "init"), learnt), **shape)
    before, after = (checkpoint.load(RunFolder(run).checkpoint(step)) for run, step in ((learnt, 12), (tmp_path, 1)))
    for net, tensors in before["modules"].items():
        for name, value in tensors.items():
            if not name.endswith(("_u", "_v")):  # of spectral norms, which move with each step
                assert torch.allclose(value, after["modules"][net][name], atol=1e-6), name
