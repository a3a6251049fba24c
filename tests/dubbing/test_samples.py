"""Frames of clips are laid out as the originals lay them out; scores of SyncNets of both kinds can be compared."""

import numpy as np
import pytest
import torch

from tk_tools.dubbing.judge import read_scores, sync_scores
from tk_tools.dubbing.masks import crop_size, mouth_square
from tk_tools.dubbing.perception import PixelLoss
from tk_tools.dubbing.samples import as_clips, stacked, time_first, to_network, to_pictures, write_rows
from tk_tools.nets.dinet_sync_net import SyncNet


def test_frames_are_time_first_and_come_together_again_as_clips():
    """Frame t of clip b is row 2 t + b; of a clip's stacked channels 3 t to 3 t + 2 are frame t."""
    clips = torch.arange(2 * 5 * 3).float().view(2, 5, 3, 1, 1).expand(2, 5, 3, 4, 4)
    frames = time_first(clips)
    assert all(torch.equal(frames[2 * t + b], clips[b, t]) for t in range(5) for b in range(2))
    joined = as_clips(frames, 5)
    assert joined.shape == (2, 15, 4, 4)
    assert all(torch.equal(joined[b, 3 * t : 3 * t + 3], clips[b, t]) for t in range(5) for b in range(2))


def test_pictures_go_to_the_network_and_back():
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 5, 8, 6, 3), dtype=np.uint8))
    given = to_network(pictures)
    assert given.shape == (2, 5, 3, 8, 6)
    assert torch.equal(given[1, 2, 0], pictures[1, 2, :, :, 0] / 255)
    assert stacked(given).shape == (2, 15, 8, 6)
    assert torch.equal(stacked(given)[1, 3:6], given[1, 1])
    assert np.array_equal(to_pictures(given[:, 0]), pictures[:, 0].numpy())


def test_rows_of_a_sample_picture(tmp_path):
    import cv2

    red, blue = torch.zeros(2, 3, 8, 6), torch.zeros(2, 3, 8, 6)
    red[:, 0], blue[:, 2] = 1, 1
    write_rows(tmp_path / "rows.png", red, blue)
    written = cv2.imread(str(tmp_path / "rows.png"))[..., ::-1]
    assert written.shape == (16, 12, 3)
    assert written[0, 0].tolist() == [255, 0, 0]
    assert written[-1, -1].tolist() == [0, 0, 255]


def test_scores_are_near_one_in_sync_whatever_the_network_was_trained_by():
    scores = torch.tensor([-3.0, 0.5, 4.0], requires_grad=True)
    assert read_scores(scores, squashed=False).tolist() == [-3.0, 0.5, 4.0]
    clamped = read_scores(scores, squashed=False, clamp=True)
    assert clamped.tolist() == [-3.0, 0.5, 1.0]
    squashed = read_scores(scores, squashed=True)
    assert squashed.tolist() == pytest.approx([0.0474, 0.6225, 0.9820], abs=1e-4)
    (clamped.sum() + squashed.sum()).backward()
    assert (scores.grad[:2] > 0).all()  # a bad score still pulls


def test_the_sync_net_sees_the_mouth_at_its_own_size():
    torch.manual_seed(0)
    net = SyncNet(audio_channels=8, width=0.125)
    height, width = crop_size(64)
    crops, audio = torch.rand(2, 15, height, width), torch.rand(2, 8, 9)
    rows, columns = mouth_square(64)
    expected = net(crops[:, :, rows, columns], audio)
    assert torch.allclose(sync_scores(net, crops, audio, (rows, columns), 64), expected)
    assert sync_scores(net, crops, audio, (rows, columns), 96).shape == (2, 1, 3, 3)
    crops[:, :, : rows.start] = 0  # what is not the mouth does not matter
    assert torch.allclose(sync_scores(net, crops, audio, (rows, columns), 64), expected)


def test_several_sounds_are_judged_with_the_same_mouths():
    torch.manual_seed(0)
    net = SyncNet(audio_channels=8, width=0.125)
    mouths, audio = torch.rand(2, 15, 64, 64), torch.rand(6, 8, 9)
    each = torch.cat([net(mouths, sounds) for sounds in audio.split(2)])
    assert torch.allclose(net(mouths, audio), each, atol=1e-6)


def test_pixel_loss_sees_coarse_faults_more_than_fine_ones():
    loss = PixelLoss()
    real = torch.full((1, 3, 32, 32), 0.5)
    shifted = real + 0.1
    striped = real.clone()
    striped[..., ::2] += 0.1
    striped[..., 1::2] -= 0.1
    assert float(loss(real, real)) == 0
    assert float(loss(shifted, real)) == pytest.approx(0.1, rel=1e-5)
    assert float(loss(striped, real)) == pytest.approx(0.1 / 5, rel=1e-4)
