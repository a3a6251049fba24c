"""The generator made ready to run gives its own numbers, and pasting touches the box alone."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from tests.golden.golden import draw
from tests.models.wav2lip.talking import portrait, small_generator
from tk_tools.dubbing.speaking import speak
from tk_tools.models.wav2lip.networks import Generator
from tk_tools.models.wav2lip.speaker import Speaker, cut_face, paste_face, take_shot


def inputs(count: int):
    rng = np.random.default_rng(3)
    smooth = rng.integers(0, 255, (count, 6, 6, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    return smooth, rng.uniform(-4, 4, (count, 1, 80, 16)).astype(np.float32)


def filled_generator() -> Generator:
    net = Generator()
    state = {key: torch.from_numpy(np.asarray(draw(key, tuple(v.shape)))) if v.is_floating_point() else v
             for key, v in net.state_dict().items()}  # fmt: skip
    net.load_state_dict(state)
    return net.eval()


def plainly(net: Generator, crops: np.ndarray, mels: np.ndarray) -> np.ndarray:
    """The original's arithmetic, step by step: BGR over 255, lower half blank, beside the whole."""
    bgr = torch.from_numpy(crops[..., ::-1] / 255.0).float().permute(0, 3, 1, 2)
    masked = bgr.clone()
    masked[:, :, 48:] = 0
    with torch.no_grad():
        made = net(torch.from_numpy(mels), torch.cat([masked, bgr], dim=1))
    return (made.permute(0, 2, 3, 1).numpy()[..., ::-1] * 255).astype(np.uint8)


def test_folded_and_reordered_numbers_are_the_network_s_own():
    net, (crops, mels) = filled_generator(), inputs(3)
    theirs, ours = plainly(net, crops, mels), Speaker(net).draw(crops, mels)
    difference = np.abs(ours.astype(int) - theirs)
    assert theirs.std() > 20  # a picture, not a grey field
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_bf16_is_within_two_levels():
    net, (_, mels) = filled_generator(), inputs(3)
    crops = np.stack([cut_face(portrait(), (70 + shift, 60, 170 + shift, 170), by_area=False) for shift in (0, 9, 18)])
    exact, short = (Speaker(net, precision=name).draw(crops, mels) for name in ("fp32", "bf16"))
    difference = np.abs(exact.astype(int) - short)
    assert difference.max() <= 2
    assert difference.mean() <= 0.5
    assert difference.any()  # it was another arithmetic


def test_batches_and_cores_do_not_show():
    net, (crops, mels) = small_generator(), inputs(11)
    one = Speaker(net, batch_size=11).draw(crops, mels)
    for size in (1, 4):
        assert np.abs(Speaker(net, batch_size=size).draw(crops, mels).astype(int) - one).max() <= 1
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = Speaker(net, batch_size=4)
        torch.set_num_threads(3)
        triple = Speaker(net, batch_size=4)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(single.draw(crops, mels), triple.draw(crops, mels))


def test_the_rest_of_the_process_keeps_its_threads():
    crops, mels = inputs(2)
    before = torch.get_num_threads()
    Speaker(small_generator()).draw(crops, mels)
    with ThreadPoolExecutor(1) as another:
        assert another.submit(torch.get_num_threads).result() == before == torch.get_num_threads()


@pytest.mark.parametrize("feather", [0, 0.08, 0.3])
def test_nothing_outside_the_box_changes(feather):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    before, face = picture.copy(), rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    box = (31, 20, 111, 101)
    pasted = paste_face(picture, face, box, feather)
    assert np.array_equal(picture, before)  # the source's picture may be shown again
    outside = np.ones((120, 160), bool)
    outside[20:101, 31:111] = False
    assert np.array_equal(pasted[outside], before[outside])
    assert (pasted[~outside] != before[~outside]).mean() > 0.5


def test_the_edge_is_blended_and_the_middle_is_the_made_face():
    picture = np.full((100, 100, 3), 40, np.uint8)
    face = np.full((96, 96, 3), 240, np.uint8)
    row = paste_face(picture, face, (10, 10, 90, 90), 0.1)[50, :, 0].astype(int)
    assert row[50] == 240
    assert row[9] == 40
    assert 40 <= row[10] < 60
    assert (np.diff(row[9:19]) >= 0).all()
    assert np.abs(np.diff(row)).max() < 60  # no hard edge
    falling = paste_face(np.full((100, 100, 3), 240, np.uint8), face - 200, (10, 10, 90, 90), 0.1)[50, :, 0].astype(int)
    assert falling[50] == 40
    assert (np.diff(falling[9:19]) <= 0).all()


def test_a_large_face_is_averaged_for_weights_of_ours_and_bilinear_for_published_ones():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    box = (0, 0, 400, 400)
    assert np.abs(cut_face(stripes, box, by_area=True).astype(int) - 127).max() < 40
    assert np.array_equal(cut_face(stripes, box, by_area=False), cv2.resize(stripes, (96, 96)))  # inference.py
    small = (0, 0, 150, 150)
    assert np.array_equal(cut_face(stripes, small, by_area=True), cut_face(stripes, small, by_area=False))


def test_pictures_without_a_face_keep_their_place():
    net, (crops, mels) = small_generator(), inputs(7)
    empty = {2, 3, 6}
    shots = [
        take_shot(crop, None if number in empty else (0, 0, 96, 96), by_area=False) for number, crop in enumerate(crops)
    ]
    speaker = Speaker(net)
    made = list(speak(shots, mels, speaker.draw, batch_size=3))
    alone = speaker.draw(crops, mels)
    assert [shot is given for (shot, _), given in zip(made, shots, strict=True)] == [True] * 7
    for number, (_, face) in enumerate(made):
        assert face is None if number in empty else np.abs(face.astype(int) - alone[number]).max() <= 1
