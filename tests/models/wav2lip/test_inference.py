"""One face speaks one sound: length, clock, place, and what happens where something is missing."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.media import CLICKS, find_click, write_clip
from tests.models.wav2lip.talking import SIZE, portrait, small_generator, write_checkpoint, write_face, write_sound
from tests.tools import peak_memory
from tk_tools.dubbing.footage import search_of
from tk_tools.errors import InputError, OutputError, WeightsError
from tk_tools.face.crop import CropOptions, crop_faces
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.video import read_frames
from tk_tools.models.wav2lip.inference import infer
from tk_tools.models.wav2lip.options import InferOptions
from tk_tools.nets.device import choose_device

CPU = {"device": "cpu", "quality": 4}
CHANGED = 6.0  # mean difference in levels: more is a made face, less is the codec


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inference")


@pytest.fixture(scope="module")
def checkpoint(folder):
    return write_checkpoint(folder / "small.safetensors")


@pytest.fixture(scope="module")
def clip(folder):
    return write_face(folder / "clip.mp4", frames=25)


def speak(face, sound, checkpoint, target, places=None, **options):
    facts = infer(face, checkpoint, sound, places or face, target, InferOptions(**{**CPU, **options}))
    info = probe(target)
    assert info.frame_count == facts["frames"]
    return facts, info, list(read_frames(target, fps=None))


def changes(before, after):
    """Mean difference of each picture, in the face's region and in the upper rows above it."""
    region = np.s_[80:170, 70:170]
    pairs = [(a.astype(int), b.astype(int)) for a, b in zip(before, after, strict=False)]
    return [np.abs(a[region] - b[region]).mean() for a, b in pairs], [np.abs(a[:30] - b[:30]).mean() for a, b in pairs]


def test_a_video_speaks_a_shorter_sound(clip, folder, checkpoint):
    sound = write_sound(folder / "short.wav", 0.7, rate=44100, channels=2)
    facts, info, pictures = speak(clip, sound, checkpoint, folder / "a.mp4")
    assert facts["frames"] == math.ceil(0.7 * 25) == len(pictures)
    assert (info.width, info.height, info.fps) == (SIZE, SIZE, 25)
    assert info.audio_rate == 44100
    assert len(read_audio(folder / "a.mp4")) == round(0.7 * 44100)
    face, above = changes(read_frames(clip, fps=None), pictures)
    assert min(face) > CHANGED
    assert max(above) < 3
    assert facts["frames_without_face"] == 0
    assert "warning" not in facts


def test_the_same_input_gives_the_same_bytes(clip, folder, checkpoint):
    sound = write_sound(folder / "same.wav", 0.4)
    for name in ("one.mp4", "two.mp4"):
        speak(clip, sound, checkpoint, folder / name)
    assert (folder / "one.mp4").read_bytes() == (folder / "two.mp4").read_bytes()


def test_a_stretch_without_a_face_passes_through_and_the_clock_is_kept(folder, checkpoint):
    clip = write_face(folder / "gap.mp4", frames=60, without=range(20, 40))
    sound = write_sound(folder / "gap.wav", 2.4)
    facts, _, pictures = speak(clip, sound, checkpoint, folder / "gap-out.mp4")
    face, _ = changes(read_frames(clip, fps=None), pictures)
    assert len(pictures) == 60
    assert max(face[20:40]) < 3
    assert min(face[:19]) > CHANGED
    assert min(face[41:]) > CHANGED
    assert facts["without_face"] == [[0.8, 1.6]]
    assert "20 of 60" in facts["warning"]
    assert "0.80-1.60 s" in facts["warning"]
    # the mouth after the gap hears what it would hear without one
    whole = write_face(folder / "whole.mp4", frames=60)
    boxed = {"box": (75, 70, 175, 190), "feather": 0.0}
    _, _, through = speak(whole, sound, checkpoint, folder / "whole-out.mp4", **boxed)
    _, _, broken = speak(clip, sound, checkpoint, folder / "gap-out2.mp4", **boxed)
    assert np.abs(through[50].astype(int) - broken[50]).mean() < 3


@pytest.mark.parametrize("mode", ["loop", "bounce", "stop"])
def test_a_sound_longer_than_the_video(folder, checkpoint, mode):
    clip = write_face(folder / "short.mp4", frames=12)
    sound = write_sound(folder / "long.wav", 1.0)
    facts, _, pictures = speak(clip, sound, checkpoint, folder / f"{mode}.mp4", on_short_video=mode)
    source = list(read_frames(clip, fps=None))
    assert facts["frames"] == len(pictures) == (12 if mode == "stop" else 25)
    heard = len(read_audio(folder / f"{mode}.mp4"))
    assert heard == (12 * 16000 // 25 if mode == "stop" else 16000)
    forth, back = [*range(12)], [*range(10, 0, -1)]
    order = {"loop": forth * 3, "bounce": forth + back + forth, "stop": forth}[mode]
    for number, picture in zip(order, pictures, strict=False):
        distances = [np.abs(picture[:40].astype(int) - other[:40]).mean() for other in source]
        assert distances[number] < min(distances) + 0.2


def test_other_frame_rates_keep_theirs(folder, checkpoint):
    rate = Fraction(30000, 1001)
    clip = write_face(folder / "ntsc.mp4", frames=30, fps=rate)
    sound = write_sound(folder / "ntsc.wav", 0.9, rate=48000)
    facts, info, _ = speak(clip, sound, checkpoint, folder / "ntsc-out.mp4")
    assert info.fps == rate
    assert facts["frames"] == math.ceil(Fraction(9, 10) * rate)
    assert len(read_audio(folder / "ntsc-out.mp4")) == 43200


def test_a_rotated_video_comes_out_upright(folder, checkpoint):
    clip = write_face(folder / "turned.mp4", frames=10, rotation=90)
    sound = write_sound(folder / "turned.wav", 0.3)
    _, info, pictures = speak(clip, sound, checkpoint, folder / "turned-out.mp4")
    assert info.rotation == 0
    assert np.abs(pictures[3][:40].astype(int) - portrait(2)[:40]).mean() < 6


@pytest.mark.parametrize("size", [(241, 240), (240, 239)])
def test_a_still_picture_of_any_size(folder, checkpoint, size):
    import cv2

    photo = folder / "photo x.PNG"
    cv2.imwrite(str(photo), cv2.resize(portrait(), size)[..., ::-1])
    sound = write_sound(folder / "still.wav", 0.5)
    facts, info, pictures = speak(photo, sound, checkpoint, folder / "still.mp4", fps=Fraction(20))
    assert facts["frames"] == 10
    assert info.fps == 20
    assert (info.width, info.height) == tuple(side + side % 2 for side in size)
    assert np.abs(pictures[0][90:160, 80:160].astype(int) - pictures[2][90:160, 80:160]).mean() > 1


def test_a_still_picture_with_its_face_found_before(folder, checkpoint):
    import cv2

    photo, places = folder / "still.png", folder / "still.face.h5"
    cv2.imwrite(str(photo), portrait()[..., ::-1])
    crop_faces(photo, places, CropOptions())
    sound = write_sound(folder / "said.wav", 0.3)
    _, _, given = speak(photo, sound, checkpoint, folder / "still-given.mp4", places=places)
    _, _, found = speak(photo, sound, checkpoint, folder / "still-found.mp4")
    np.testing.assert_array_equal(given, found)


def test_a_sound_shorter_than_a_window_is_heard_with_silence(clip, folder, checkpoint):
    sound = write_sound(folder / "tiny.wav", 0.1)
    facts, _, _ = speak(clip, sound, checkpoint, folder / "tiny.mp4")
    assert facts["frames"] == 3
    assert len(read_audio(folder / "tiny.mp4")) == 1600


def test_a_video_speaks_its_own_sound(folder, checkpoint):
    sound = write_sound(folder / "own.wav", 0.6, rate=44100)
    clip = write_face(folder / "own.mp4", frames=15, sound=sound)
    facts, _, _ = speak(clip, clip, checkpoint, folder / "own-out.mp4")
    assert facts["frames"] == 15
    assert np.corrcoef(read_audio(folder / "own-out.mp4")[:26000], read_audio(clip)[:26000])[0, 1] > 0.98


def test_boxes_found_before_give_the_same_pictures(folder, checkpoint):
    sound = write_sound(folder / "cached.wav", 0.8)
    clip = write_face(folder / "cached.mp4", frames=20, sound=sound)
    places = folder / "cached.face.h5"
    crop_faces(clip, places, CropOptions())
    _, _, found = speak(clip, sound, checkpoint, folder / "found.mp4")
    _, _, given = speak(clip, sound, checkpoint, folder / "given.mp4", places=places)
    _, _, alone = speak(places, places, checkpoint, folder / "alone.mp4")
    for a, b, c in zip(found, given, alone, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 1.0
        assert np.abs(b.astype(int) - c).mean() < 1.0


def test_boxes_of_another_video_are_refused(clip, folder, checkpoint):
    other = write_face(folder / "other.mp4", frames=5)
    places = folder / "other.face.h5"
    crop_faces(other, places, CropOptions())
    sound = write_sound(folder / "refused.wav", 0.2)
    with pytest.raises(InputError, match="another"):
        speak(clip, sound, checkpoint, folder / "refused.mp4", places=places)
    other.unlink()
    with pytest.raises(InputError, match="not beside it"):
        speak(places, sound, checkpoint, folder / "refused.mp4")
    assert not list(folder.glob("*refused*.mp4"))


def test_no_face_is_told_and_leaves_nothing(folder, checkpoint):
    clip = write_face(folder / "nobody.mp4", frames=4, without=range(4))
    sound = write_sound(folder / "nobody.wav", 0.08)
    before = set(folder.iterdir())
    with pytest.raises(InputError, match="no face in its first 2 pictures, and no later ones are needed"):
        speak(clip, sound, checkpoint, folder / "nobody-out.mp4")
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize("form", ["dict", "bare", "parallel", "script"])
def test_checkpoints_in_every_published_form(clip, folder, form):
    net = small_generator(seed=4)
    path = folder / f"{form}.pth"
    state = net.state_dict()
    if form == "script":
        example = (torch.zeros(1, 1, 80, 16), torch.zeros(1, 6, 96, 96))
        torch.jit.trace(net, example).save(str(path))
    elif form == "parallel":
        torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "optimizer": None}, path)
    else:
        torch.save({"state_dict": state} if form == "dict" else state, path)
    sound = write_sound(folder / "form.wav", 0.1)
    speak(clip, sound, path, folder / f"{form}.mp4", box=(75, 70, 175, 190))
    reference = write_checkpoint(folder / "reference.safetensors", seed=4)
    speak(clip, sound, reference, folder / "reference.mp4", box=(75, 70, 175, 190))
    made, known = (list(read_frames(folder / f"{name}.mp4", fps=None)) for name in (form, "reference"))
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(made, known, strict=True)) < 0.1


def test_a_checkpoint_of_another_network_is_named(clip, folder):
    from tk_tools.models.wav2lip.networks import make_expert

    path = folder / "expert.pth"
    torch.save(make_expert(width=0.125).state_dict(), path)
    sound = write_sound(folder / "wrong.wav", 0.2)
    with pytest.raises(WeightsError, match="not a Wav2Lip generator"):
        speak(clip, sound, path, folder / "wrong.mp4")
    assert not (folder / "wrong.mp4").exists()


def test_a_full_disk_is_told_and_leaves_nothing(clip, folder, checkpoint):
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from tk_tools.errors import OutputError\n"
        "from tk_tools.models.wav2lip.inference import infer\n"
        "from tk_tools.models.wav2lip.options import InferOptions\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "face, checkpoint, sound, target = map(Path, sys.argv[1:])\n"
        "try: infer(face, checkpoint, sound, face, target, InferOptions(device='cpu', quality=0))\n"
        "except OutputError as error: print(error); sys.exit(7)\n"
    )
    sound = write_sound(folder / "full.wav", 0.8)
    target = folder / "full" / "full.mp4"
    done = subprocess.run(
        [sys.executable, "-c", script, clip, checkpoint, sound, target], capture_output=True, text=True
    )
    assert done.returncode == 7, done.stderr
    assert str(target) in done.stdout
    assert not list(target.parent.iterdir())


def test_an_unwritable_place_is_told(clip, folder, checkpoint):
    (folder / "file").write_text("a file")
    sound = write_sound(folder / "unwritable.wav", 0.2)
    with pytest.raises(OutputError):
        speak(clip, sound, checkpoint, folder / "file" / "out.mp4")


def test_the_mark_can_be_left_out(clip, folder, checkpoint):
    from tk_tools.files.made_from import read_provenance
    from tk_tools.files.media import open_media

    sound = write_sound(folder / "mark.wav", 0.2)
    for mark in (True, False):
        target = folder / f"mark-{mark}.mp4"
        speak(clip, sound, checkpoint, target, mark=mark)
        with open_media(target) as container:
            assert ('"synthetic": true' in container.metadata["comment"]) == mark
        assert read_provenance(target).params["mark"] == mark


SPEAK = """
import sys
from pathlib import Path
from tk_tools.models.wav2lip.inference import infer
from tk_tools.models.wav2lip.options import InferOptions

def work():
    face, checkpoint, sound, target = map(Path, sys.argv[1:])
    infer(face, checkpoint, sound, face, target, InferOptions(device="cpu"))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(folder, checkpoint):
    peaks = {}
    for seconds in (10, 40):
        sound = write_sound(folder / f"{seconds}s.wav", seconds)
        clip = write_face(folder / f"{seconds}s.mp4", frames=25 * seconds)
        peaks[seconds] = peak_memory(SPEAK, clip, checkpoint, sound, folder / f"{seconds}s-out.mp4")
    assert peaks[40] < 1.1 * peaks[10]
    assert peaks[40] < 1.5e9


@pytest.mark.parametrize(("delay", "suffix"), [(0.2, "mp4"), (-0.2, "mkv")])
def test_own_sound_stays_beside_the_pictures(folder, checkpoint, delay, suffix):
    clip = write_clip(folder / f"delay{delay}.{suffix}", sound_delay=delay)
    target = folder / f"delay{delay}-out.mp4"
    facts, _, _ = speak(clip, clip, checkpoint, target, box=(4, 4, 60, 60))
    assert facts["frames"] == pytest.approx((2 + delay) * 25, abs=1)
    sound = read_audio(target, align=True)
    for click in CLICKS:
        assert find_click(sound, 44100, click + delay) == pytest.approx(click + delay, abs=0.002)


def test_the_face_is_looked_for_on_a_device_that_is_there():
    assert search_of(InferOptions(device="auto"), "wav2lip").device == choose_device("auto")
