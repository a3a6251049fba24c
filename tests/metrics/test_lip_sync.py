"""Both judges on made streams: windows, blocks, masks, and clips that cannot be measured."""

import numpy as np
import pytest
import torch

from tk_tools.audio.mfcc import mfcc
from tk_tools.errors import InputError
from tk_tools.metrics.lip_sync import ExpertScorer, SyncNetScorer, measure_clip
from tk_tools.metrics.syncnet_v2 import FoldedSyncNet, SyncNetV2
from tk_tools.nets.sync_expert import SyncExpert, SyncExpertConfig

RNG = np.random.default_rng(11)
FRAMES = RNG.integers(0, 255, (34, 96, 96, 3), np.uint8)
SOUND = (3000 * RNG.standard_normal(34 * 640)).astype(np.int16)


def drawn(network):
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return network.eval()


EXPERT = ExpertScorer(drawn(SyncExpert(SyncExpertConfig(widths=(4, 4, 8, 8, 16)))))


class Echo:
    """A judge that reads the number of a frame from its first pixel, and knows that of a window of sound."""

    layout, size, batch, spare, zeros_beyond_ends = "wav2lip", 96, 7, 0, False
    codes = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)

    def __init__(self, late=0):
        self.late = late  # frames by which the sound comes after its picture

    def sound_windows(self, samples):
        return samples // 640 - 4

    def listen(self, samples):
        return samples

    def embed_faces(self, frames):
        return self.codes[frames[: len(frames) - 4, 0, 0, 0]]

    def embed_sound(self, sound, first, count):
        return self.codes[np.arange(first, first + count) - self.late]


def numbered(count):
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 3))


@pytest.mark.parametrize("late", range(-5, 6))
def test_every_shift_is_found(late):
    result = measure_clip(Echo(late), [numbered(100)], np.zeros(100 * 640, np.int16))
    assert result.offset == -late
    assert result.lse_d == pytest.approx(0, abs=1e-4)


def test_windows_are_those_that_pictures_and_sound_both_have():
    assert measure_clip(Echo(), [numbered(30)], np.zeros(100 * 640, np.int16)).windows == 26
    assert measure_clip(Echo(), [numbered(100)], np.zeros(30 * 640, np.int16)).windows == 26


def test_published_judge_leaves_the_last_window_out():
    scorer = SyncNetScorer(drawn(SyncNetV2()))
    assert measure_clip(scorer, [FRAMES[:9]], SOUND).windows == 4
    assert scorer.sound_windows(9 * 640) == 4


@pytest.mark.parametrize("cuts", [[5, 6, 20], [1, 33]])
def test_blocks_of_frames_do_not_matter(cuts):
    whole = measure_clip(EXPERT, [FRAMES], SOUND)
    pieces = measure_clip(EXPERT, np.split(FRAMES, cuts), SOUND)
    assert pieces.distances == pytest.approx(whole.distances, abs=1e-5, nan_ok=True)


def test_frames_are_taken_as_a_stream():
    taken = []

    def blocks():
        for number in range(200):
            taken.append(number)
            yield numbered(1)

    measure_clip(Echo(), blocks(), np.zeros(20 * 640, np.int16))
    assert len(taken) < 60  # it stops when the sound is over


def test_masked_frames_count_nowhere():
    valid = np.ones(100, bool)
    valid[40:50] = False
    frames = numbered(100).copy()
    frames[40:50] = 255
    result = measure_clip(Echo(), [(frames, valid)], np.zeros(100 * 640, np.int16))
    assert np.isnan(result.distances[36:50]).all()
    assert np.isfinite(result.distances[50:80]).all()
    assert result.lse_d == pytest.approx(0, abs=1e-4)


def test_sound_in_pieces_is_the_sound():
    scorer = SyncNetScorer(drawn(SyncNetV2()))
    columns = mfcc(SOUND)
    windows = np.stack([columns[4 * v : 4 * v + 20].T for v in range(10, 18)])[:, None]
    with torch.inference_mode():
        expected = scorer.network.embed_audio(torch.from_numpy(windows.astype(np.float32)))
    np.testing.assert_allclose(scorer.embed_sound(SOUND, 10, 8), expected, rtol=1e-4, atol=1e-5)


def test_expert_hears_every_window_that_fits():
    for samples in range(3000, 9000, 50):
        count, columns = EXPERT.sound_windows(samples), 1 + samples // 200
        assert 80 * (count - 1) // 25 + 16 <= columns < 80 * count // 25 + 16
    assert len(EXPERT.embed_sound(EXPERT.listen(np.ones(8000, np.int16)), 0, EXPERT.sound_windows(8000))) == 9


def test_expert_gives_unit_vectors_of_lower_halves():
    vectors = EXPERT.embed_faces(FRAMES)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    upper = FRAMES.copy()
    upper[:, :48] = 0
    np.testing.assert_array_equal(EXPERT.embed_faces(upper), vectors)


@pytest.mark.parametrize(("frames", "samples"), [(4, 34 * 640), (34, 1000), (0, 0)])
def test_too_short(frames, samples):
    with pytest.raises(InputError, match="too short"):
        measure_clip(EXPERT, [FRAMES[:frames]], SOUND[:samples])


def test_no_face():
    with pytest.raises(InputError, match="no five frames in a row"):
        measure_clip(EXPERT, [(FRAMES, np.arange(34) % 5 != 0)], SOUND)


def test_a_run_of_frames_gives_what_its_windows_give():
    network = drawn(SyncNetV2())
    frames = torch.rand((7, 3, 224, 224), generator=torch.Generator().manual_seed(1)) * 255
    windows = torch.stack([frames[v : v + 5].transpose(0, 1) for v in range(3)])
    with torch.inference_mode():
        run, single = FoldedSyncNet(network).embed_lip_frames(frames), network.embed_lips(windows)
    torch.testing.assert_close(run, single, rtol=1e-4, atol=1e-4)
