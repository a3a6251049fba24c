"""Monotonic paths: complete, in order, the best there are; soft alignments sum to one. Goldens: tests/golden."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.nets.monotonic_alignment import durations_to_path, maximum_path
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.soft_durations import soft_alignment


@st.composite
def batches(draw, longest=12):
    """Scores of few levels, so that many are equal, and lengths."""
    size = draw(st.integers(1, 3))
    frames = [draw(st.integers(1, longest)) for _ in range(size)]
    tokens = [draw(st.integers(1, length)) for length in frames]
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    scores = rng.integers(0, 4, (size, max(tokens), max(frames))).astype(np.float32) / 4
    return torch.from_numpy(scores), torch.tensor(tokens), torch.tensor(frames)


def best_sum(scores):
    """Of all monotonic paths, by trying each: where the tokens after the first begin."""
    tokens, frames = scores.shape
    starts = itertools.combinations(range(1, frames), tokens - 1)
    paths = ([0, *begin, frames] for begin in starts)
    return max(sum(scores[t, a:b].sum() for t, (a, b) in enumerate(itertools.pairwise(path))) for path in paths)


@settings(deadline=None)
@given(batches())
def test_paths_are_complete_monotonic_and_nothing_else_is_set(batch):
    scores, tokens, frames = batch
    path = maximum_path(scores, tokens, frames)
    assert path.shape == scores.shape
    for item, t, y in zip(path, tokens.tolist(), frames.tolist(), strict=True):
        assert item.sum() == y
        assert (item[:t, :y].sum(dim=0) == 1).all()  # each frame has one token
        steps = item[:t, :y].argmax(dim=0).diff()
        assert ((steps == 0) | (steps == 1)).all()
        assert (item[0, 0], item[t - 1, y - 1]) == (1, 1)


@settings(deadline=None, max_examples=50)
@given(batches(longest=8))
def test_no_path_is_better(batch):
    scores, tokens, frames = batch
    path = maximum_path(scores, tokens, frames)
    for item, given_scores, t, y in zip(path, scores, tokens.tolist(), frames.tolist(), strict=True):
        assert float((item * given_scores).sum()) == float(best_sum(given_scores[:t, :y].numpy()))


def test_padding_type_and_gradient():
    scores = torch.rand(2, 7, 40, dtype=torch.float64, requires_grad=True)
    tokens, frames = torch.tensor([7, 3]), torch.tensor([40, 21])
    path = maximum_path(scores, tokens, frames)
    assert (path.dtype, path.requires_grad) == (torch.float64, False)
    alone = maximum_path(scores[1:, :3, :21], tokens[1:], frames[1:])
    assert torch.equal(path[1, :3, :21], alone[0])
    assert torch.equal(maximum_path(scores.transpose(1, 2).contiguous().transpose(1, 2), tokens, frames), path)


@pytest.mark.parametrize(
    ("tokens", "frames", "says"),
    [
        ([4, 3], [5, 2], r"items \[1\] have more tokens than frames"),
        ([4, 0], [5, 5], "lengths are"),
        ([4], [5], "for a batch"),
    ],
)
def test_lengths_that_cannot_be(tokens, frames, says):
    with pytest.raises(ValueError, match=says):
        maximum_path(torch.rand(2, 4, 5), torch.tensor(tokens), torch.tensor(frames))


@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=3))
def test_durations_there_and_back(durations):
    durations = torch.tensor(durations)
    path = durations_to_path(durations)
    assert path.shape == (len(durations), 3, int(durations.sum(dim=1).max()))
    assert torch.equal(path.sum(dim=2).long(), durations)
    assert (path.sum(dim=1) <= 1).all()


def test_padding_mask():
    assert padding_mask(torch.tensor([1, 3]), 3).tolist() == [[False, True, True], [False] * 3]


def test_a_soft_alignment_sums_to_one_goes_on_and_has_a_gradient():
    logits = torch.full((2, 6, 50), -9.0)
    logits[:, :, :4] = 9.0  # each token lasts four frames
    logits.requires_grad_()
    alignment = soft_alignment(logits, torch.tensor([6, 4]))
    assert alignment.shape == (2, 6, 24)
    assert torch.allclose(alignment[0].sum(dim=0), torch.ones(24))
    assert torch.allclose(alignment[1].sum(dim=0), torch.cat([torch.ones(16), torch.zeros(8)]))
    assert (alignment[1, 4:] == 0).all()
    assert (alignment[0].argmax(dim=0).diff() >= 0).all()
    alignment[:, 1].sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0].abs().max() > 0
    alone = soft_alignment(logits.detach()[1:, :4], torch.tensor([4]))
    assert torch.allclose(alone[0], alignment[1, :4, :16], atol=1e-6)


def test_a_soft_alignment_of_nothing_is_refused():
    with pytest.raises(ValueError, match="half a frame"):
        soft_alignment(torch.full((1, 3, 50), -20.0), torch.tensor([3]))
