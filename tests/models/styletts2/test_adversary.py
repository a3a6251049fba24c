"""What the adversary hears, what it costs whom, and what goes back to those who speak."""

import math

import pytest
import torch

from tests.models.styletts2.drawn import MANY_VOICES, ONE_VOICE, small
from tk_tools.models.styletts2.sizes import STEP
from tk_tools.models.styletts2.training.adversary import (
    ClipBounds,
    Recorded,
    calm_gradients,
    fooling_loss,
    make_up,
    rebuilt_loss,
    said_steps,
    telling_loss,
)

LENGTHS = torch.tensor([9, 12, 12])
TOKENS = torch.randint(1, 178, (3, 12), generator=torch.Generator().manual_seed(0))


def system(sizes=ONE_VOICE):
    """Each token lasts about 4 steps."""
    made = small(sizes).requires_grad_(True)
    made.text_encoder.requires_grad_(False)
    return made


def recorded(*steps):
    """Ramps, so that each sample tells its place."""
    wave = torch.arange(max(steps) * STEP, dtype=torch.float32).expand(len(steps), -1)
    return Recorded(wave, torch.tensor(steps))


def heard(of, bounds=ClipBounds(10, 20, 1.0), steps=(25, 25, 25), **given):
    return make_up(of, TOKENS, LENGTHS, recorded(*steps), bounds, 1.5, **given)


def test_steps_that_are_said_are_those_of_the_tokens():
    logits = torch.full((2, 3, 50), -100.0)
    logits[:, :, :4] = 100.0
    logits[0, 1, :6] = 100.0
    assert said_steps(logits, torch.tensor([3, 2])).tolist() == [14, 8]


def test_the_clips_are_as_long_as_the_bounds_allow():
    torch.manual_seed(0)
    made, real = heard(system())
    assert made.shape == real.shape
    size = made.shape[1] // STEP
    assert made.shape == (3, size * STEP)
    assert 10 <= size <= 20
    places = real[:, 0] / STEP
    assert (places == places.round()).all()
    assert (places + size <= 25).all()
    assert (real.diff(dim=1) == 1).all()  # in one piece
    assert heard(system(), ClipBounds(10, 12, 1.0)).made.shape == (3, 12 * STEP)


def test_what_is_too_short_is_not_heard():
    torch.manual_seed(0)
    bounds = ClipBounds(12, 12, 1.0)
    assert len(heard(system(), bounds, steps=(12, 13, 12)).made) == 1  # one is enough
    assert heard(system(), bounds, steps=(12, 12, 12)) is None
    assert heard(system(), ClipBounds(500, 500, 1.0), steps=(600, 600, 600)) is None
    assert [len(heard(system(), ClipBounds(10, 10, share)).made) for share in (0.3, 0.5, 1.0)] == [1, 2, 3]


@pytest.mark.parametrize("sizes", [ONE_VOICE, MANY_VOICES], ids=["one voice", "many"])
@pytest.mark.parametrize("sampled", [True, False])
def test_its_gradient_goes_through_durations_and_style(sizes, sampled):
    torch.manual_seed(0)
    one = system(sizes)
    style = torch.randn(3, 2 * sizes.style)
    given = {"voice": torch.randn(3, 2 * sizes.style)} if sizes.many_voices else {}
    made, _ = heard(one, **given, **({} if sampled else {"style": style}))
    made.square().mean().backward()
    moved = {
        name for name, part in one.named_children() if any(weight.grad is not None for weight in part.parameters())
    }
    assert moved == {"bert", "bert_encoder", "predictor", "decoder"} | ({"diffusion"} if sampled else set())
    assert one.predictor.duration_proj.linear_layer.weight.grad.abs().sum() > 0
    assert one.bert_encoder.weight.grad.abs().sum() > 0


def judge(wave):
    """The mean of every ten samples."""
    return wave.unfold(1, 10, 10).mean(dim=-1)


def test_the_losses_by_hand():
    real, made = torch.tensor([[1.0, 0.5]]), torch.tensor([[0.0, 1.0]])
    assert float(telling_loss(real, made)) == pytest.approx(0.125 + 0.5)
    assert float(fooling_loss(made)) == pytest.approx(0.5)


@pytest.mark.parametrize("longer", ["rebuilt", "made"])
def test_against_what_was_rebuilt_neither_length_nor_rebuilding_counts(longer):
    """A judge that sees each place alone tells a clip from its part by nothing."""
    torch.manual_seed(0)
    sizes = {"rebuilt": 40, "made": 20} if longer == "rebuilt" else {"rebuilt": 20, "made": 40}
    waves = {name: torch.randn(2, size) for name, size in sizes.items()}
    recorded = torch.randn(2, sizes["rebuilt"])
    scores = {name: judge(wave) for name, wave in waves.items()}
    parts = scores | {longer: scores[longer][:, :2]}
    rebuilding = float((judge(recorded) - scores["rebuilt"]).abs().mean())
    wanted = {round(float(telling_loss(one["rebuilt"], one["made"])) + rebuilding, 5) for one in (scores, parts)}
    found = {round(float(rebuilt_loss(judge, waves["made"], waves["rebuilt"], recorded)), 5) for _ in range(20)}
    assert found == wanted


def test_a_judge_that_goes_by_length_pays_for_it():
    made, rebuilt = torch.ones(1, 20), torch.ones(1, 40)

    def by_length(wave):
        return torch.full((1, 1), len(wave[0]) / 40)

    found = {round(float(rebuilt_loss(by_length, made, rebuilt, rebuilt)), 5) for _ in range(20)}
    assert found == {0.25 + 0.25 + 0.5, 0.0 + 0.25 + 0.5}


@pytest.mark.parametrize("norm", [4.0, 8.0])
def test_gradients_are_calmed(norm):
    one = system()
    for weight in one.parameters():
        weight.grad = torch.zeros_like(weight)
    one.predictor.text_encoder.lstms[0].weight_hh_l0.grad[0, 0] = norm * math.sqrt(0.5)
    one.predictor.lstm.weight_hh_l0.grad[0, 0] = norm * math.sqrt(0.5)
    one.bert_encoder.weight.grad[0, 0] = 3.0
    one.diffusion.net.to_out[1].weight.grad[0, 0] = 2.0
    one.predictor.duration_proj.linear_layer.bias.grad = None
    calm_gradients(one, threshold=5.0, scale=0.01)
    share = 1 / norm if norm > 5 else 1.0
    assert float(one.bert_encoder.weight.grad[0, 0]) == pytest.approx(3 * share)
    assert float(one.diffusion.net.to_out[1].weight.grad[0, 0]) == pytest.approx(0.02 * share)
    assert float(one.predictor.lstm.weight_hh_l0.grad[0, 0]) == pytest.approx(0.01 * share * norm * math.sqrt(0.5))
    left = one.predictor.text_encoder.lstms[0].weight_hh_l0.grad[0, 0]
    assert float(left) == pytest.approx(share * norm * math.sqrt(0.5))
