"""One face speaks one sound by LawDNet or DINet: length, clock, place, and what happens where something is missing."""

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
import soundfile
import torch

from tests.dubbing.talking import small_generator, write_checkpoint
from tests.face.openface import write_openface
from tests.media import write_clip
from tests.models.wav2lip.talking import SIZE, portrait, write_face, write_sound
from tests.tools import peak_memory
from tk_tools.audio.make_features import FeatureOptions, make_features
from tk_tools.dubbing.options import DubOptions
from tk_tools.errors import ConfigError, InputError, WeightsError
from tk_tools.face.crop import OPENFACE, CropOptions, crop_faces, crop_given
from tk_tools.files.face_file import FaceFile
from tk_tools.files.made_from import is_marked_synthetic
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.video import read_frames
from tk_tools.models import get_model, load

CHANGED = 6.0  # mean difference in levels: more is a made mouth, less is the codec
MOUTH = np.s_[130:160, 95:145]
ABOVE = np.s_[:50]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dub")


@pytest.fixture(scope="module")
def clip(folder):
    return write_face(folder / "clip.mp4", frames=12)


@pytest.fixture(scope="module", params=["lawdnet", "dinet"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def checkpoint(folder, name):
    return write_checkpoint(folder / f"{name}.safetensors", name)


@pytest.fixture(scope="module")
def places(folder, clip, name):
    """The face of the clip, found once."""
    crop_faces(clip, folder / f"{name}.face.h5", CropOptions(layout=name, width=80))
    return folder / f"{name}.face.h5"


@pytest.fixture(scope="module")
def lawdnet(folder, clip):
    """A checkpoint, and the clip's face found once: for what does not depend on the system."""
    crop_faces(clip, folder / "one.face.h5", CropOptions(layout="lawdnet", width=80))
    return write_checkpoint(folder / "one.safetensors", "lawdnet"), folder / "one.face.h5"


def speak(name, face, sound, checkpoint, target, places=None, heard=(), **options):
    infer = load(get_model(name).inference)
    facts = infer(face, checkpoint, sound, places or face, *heard, target, DubOptions(**{"quality": 4} | options))
    assert probe(target).frame_count == facts["frames"]
    return facts, list(read_frames(target, fps=None))


def difference(a, b, region):
    return np.abs(a[region].astype(int) - b[region]).mean()


def changes(before, after, region):
    return [difference(a, b, region) for a, b in zip(before, after, strict=False)]


def test_a_video_speaks_a_shorter_sound(name, clip, folder, checkpoint):
    sound = write_sound(folder / "short.wav", 0.5, rate=44100, channels=2)
    target = folder / f"{name}-short.mp4"
    facts, pictures = speak(name, clip, sound, checkpoint, target)
    assert facts["frames"] == math.ceil(0.5 * 25) == len(pictures)
    assert "warning" not in facts
    assert pictures[0].shape == (SIZE, SIZE, 3)
    assert len(read_audio(target)) == round(0.5 * 44100)
    assert is_marked_synthetic(target)
    source = list(read_frames(clip, fps=None))
    assert min(changes(source, pictures, MOUTH)) > CHANGED
    assert max(changes(source, pictures, ABOVE)) < 3


def test_what_is_heard_shows(name, clip, places, folder, checkpoint):
    """Two sounds give two mouths, and a silent one is told."""
    sound, silence = write_sound(folder / "heard.wav", 0.3), folder / "silence.wav"
    soundfile.write(silence, np.zeros(4800), 16000)
    facts, said = speak(name, clip, sound, checkpoint, folder / f"{name}-said.mp4", places)
    assert "warning" not in facts
    facts, still = speak(name, clip, silence, checkpoint, folder / f"{name}-silent.mp4", places)
    assert facts["warning"] == "the speech is silent"
    assert np.mean(changes(said, still, MOUTH)) > 1
    assert max(changes(said, still, ABOVE)) < 0.5


def test_the_same_input_gives_the_same_bytes_and_another_seed_other_references(clip, folder, lawdnet):
    checkpoint, places = lawdnet
    sound = write_sound(folder / "same.wav", 0.12)
    for target, seed in (("a", 0), ("b", 0), ("c", 1)):
        speak("lawdnet", clip, sound, checkpoint, folder / f"{target}.mp4", places, seed=seed)
    files = [(folder / f"{target}.mp4").read_bytes() for target in "abc"]
    assert files[0] == files[1] != files[2]


def test_batches_of_any_size_give_the_same_pictures(name, clip, places, folder, checkpoint):
    sound = write_sound(folder / "batch.wav", 0.2)
    one, three = (
        speak(name, clip, sound, checkpoint, folder / f"{name}-{size}.mp4", places, batch_size=size)[1]
        for size in (1, 3)
    )
    assert len(one) == len(three) == 5
    assert max(changes(one, three, MOUTH)) < 0.2


def test_a_stretch_without_a_face_passes_through(folder, lawdnet):
    clip = write_face(folder / "gap.mp4", frames=36, without=range(8, 22))
    sound = write_sound(folder / "gap.wav", 1.44)
    facts, pictures = speak("lawdnet", clip, sound, lawdnet[0], folder / "gap-out.mp4")
    changed = changes(read_frames(clip, fps=None), pictures, MOUTH)
    assert max(changed[8:22]) < 3
    assert min(changed[:7] + changed[23:]) > CHANGED
    assert facts["without_face"] == [[0.32, 0.88]]
    assert "14 of 36" in facts["warning"]


@pytest.mark.parametrize("mode", ["loop", "bounce", "stop"])
def test_a_sound_longer_than_the_video(clip, folder, lawdnet, mode):
    checkpoint, places = lawdnet
    sound = write_sound(folder / "long.wav", 1.0)
    facts, pictures = speak("lawdnet", clip, sound, checkpoint, folder / f"{mode}.mp4", places, on_short_video=mode)
    source = list(read_frames(clip, fps=None))
    assert facts["frames"] == len(pictures) == (12 if mode == "stop" else 25)
    forth, back = [*range(12)], [*range(10, 0, -1)]
    order = {"loop": forth * 3, "bounce": forth + back + forth, "stop": forth}[mode]
    for number, picture in zip(order, pictures, strict=False):
        distances = [difference(picture, other, ABOVE) for other in source]
        assert distances[number] < min(distances) + 0.2


def test_other_frame_rates_keep_theirs(folder, lawdnet):
    clip = write_face(folder / "fifty.mp4", frames=8, fps=Fraction(50))
    sound = write_sound(folder / "rates.wav", 0.14)
    facts, _ = speak("lawdnet", clip, sound, lawdnet[0], folder / "fast.mp4")
    assert (facts["fps"], facts["frames"]) == (50, 7)


@pytest.mark.parametrize("size", [(241, 240), (240, 239)])
def test_a_still_picture_of_any_size(name, folder, checkpoint, size):
    photo = folder / "photo x.PNG"
    cv2.imwrite(str(photo), cv2.resize(portrait(), size)[..., ::-1])
    sound = write_sound(folder / "still.wav", 0.4)
    facts, pictures = speak(name, photo, sound, checkpoint, folder / f"{name}-still.mp4", fps=Fraction(20))
    assert (facts["frames"], facts["fps"]) == (8, 20)
    assert difference(pictures[1], pictures[5], MOUTH) > 0.3


def test_faces_found_before_give_the_same_pictures(name, folder, checkpoint):
    sound = write_sound(folder / "cached.wav", 0.2)
    clip = write_face(folder / "cached.mp4", frames=5, sound=sound)
    places = folder / "cached.face.h5"
    crop_faces(clip, places, CropOptions(layout=name, width=80))
    _, found = speak(name, clip, sound, checkpoint, folder / f"{name}-found.mp4")
    _, given = speak(name, clip, sound, checkpoint, folder / f"{name}-given.mp4", places=places)
    _, alone = speak(name, places, sound, checkpoint, folder / f"{name}-alone.mp4")
    for a, b, c in zip(found, given, alone, strict=True):
        assert difference(a, b, ...) < 0.5
        assert difference(b, c, ...) < 0.5
    crop_faces(clip, folder / "other.face.h5", CropOptions())
    with pytest.raises(InputError, match=f"layout wav2lip; crop again with --layout {name}"):
        speak(name, clip, sound, checkpoint, folder / "wrong.mp4", places=folder / "other.face.h5")


def test_pictures_without_landmarks_pass_through(clip, folder, lawdnet):
    """OpenFace's rows are missing for some: the clock is kept, and those pictures stay."""
    checkpoint, places = lawdnet
    with FaceFile(places) as file:
        csv = write_openface(folder / "clip.csv", file.landmarks, without=(3, 4, 5), lost=(8,))
    options = CropOptions(layout="lawdnet", width=80, backend=OPENFACE, gap=0.0)
    crop_given(clip, csv, folder / "given.face.h5", options)
    sound = write_sound(folder / "given.wav", 0.4)
    facts, pictures = speak(
        "lawdnet", clip, sound, checkpoint, folder / "given.mp4", folder / "given.face.h5", precision="bf16"
    )
    changed = changes(read_frames(clip, fps=None), pictures, MOUTH)
    assert [number for number, change in enumerate(changed) if change < 3] == [3, 4, 5, 8]
    assert facts["frames_without_face"] == 4


def test_features_made_before_give_the_same_pictures(clip, folder, lawdnet):
    checkpoint, places = lawdnet
    sound = write_sound(folder / "said.wav", 0.2)
    heard = folder / "said.feat.h5"
    make_features(sound, heard, FeatureOptions("mel"))
    speak("lawdnet", clip, sound, checkpoint, folder / "listened.mp4", places)
    speak("lawdnet", clip, sound, checkpoint, folder / "given-feat.mp4", places, heard=(heard,))
    for a, b in zip(read_frames(folder / "listened.mp4"), read_frames(folder / "given-feat.mp4"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_features_of_another_sound_length_or_model_are_refused(clip, folder, lawdnet):
    checkpoint, places = lawdnet
    sound, other = write_sound(folder / "this.wav", 0.4), write_sound(folder / "that.wav", 0.5)
    heard = folder / "that.feat.h5"
    make_features(other, heard, FeatureOptions("mel"))
    with pytest.raises(InputError, match=r"that.feat.h5: was made from another sound than .*this.wav"):
        speak("lawdnet", clip, sound, checkpoint, folder / "no.mp4", places, heard=(heard,))
    video = write_face(folder / "video.mp4", frames=10, sound=write_sound(folder / "one.wav", 1.0))
    make_features(video, folder / "video.feat.h5", FeatureOptions("mel"))
    with pytest.raises(InputError, match=r"has 10 rows, and .* lasts 1\.\d+ s .* of the sound alone"):
        speak("lawdnet", clip, video, checkpoint, folder / "no.mp4", places, heard=(folder / "video.feat.h5",))
    with pytest.raises(InputError, match="holds features of mel, and the checkpoint hears deepspeech"):
        speak("lawdnet", clip, other, checkpoint, folder / "no.mp4", places, heard=(heard,), feature_model="deepspeech")
    narrow = write_checkpoint(folder / "narrow.safetensors", "lawdnet", channels=29)
    with pytest.raises(InputError, match="mel gives 80 numbers a frame, and the checkpoint hears 29"):
        speak("lawdnet", clip, other, narrow, folder / "no.mp4", places)
    assert not (folder / "no.mp4").exists()


def test_references_can_be_named(clip, folder, lawdnet):
    checkpoint, places = lawdnet
    sound = write_sound(folder / "named.wav", 0.08)
    for target, numbers in (("a", (0, 3, 6, 9, 11)), ("b", (0, 3, 6, 9, 11)), ("c", (11, 9, 6, 3, 0))):
        speak("lawdnet", clip, sound, checkpoint, folder / f"named-{target}.mp4", places, references=numbers)
    files = [(folder / f"named-{target}.mp4").read_bytes() for target in "abc"]
    assert files[0] == files[1] != files[2]
    with pytest.raises(ConfigError, match="takes 5 pictures, not 3"):
        speak("lawdnet", clip, sound, checkpoint, folder / "no.mp4", places, references=(0, 1, 2))
    with pytest.raises(InputError, match=r"clip.mp4: has no picture 20"):
        speak("lawdnet", clip, sound, checkpoint, folder / "no.mp4", places, references=(0, 1, 2, 3, 20))
    gap = write_face(folder / "gap2.mp4", frames=16, without=range(4, 16))
    with pytest.raises(InputError, match=r"gap2.mp4: picture 12 shows no face"):
        speak("lawdnet", gap, sound, checkpoint, folder / "no.mp4", references=(0, 1, 2, 3, 12))


def test_a_mouth_that_the_checkpoint_was_not_trained_for_works(name, clip, places, folder, checkpoint):
    sound = write_sound(folder / "mouth.wav", 0.12)
    _, pictures = speak(name, clip, sound, checkpoint, folder / f"{name}-mouth.mp4", places, mouth_size=96)
    assert min(changes(read_frames(clip, fps=None), pictures, MOUTH)) > CHANGED


def test_a_face_at_the_border_crosses_nothing(name, folder, checkpoint):
    cut = portrait()[:, 70:200]
    cv2.imwrite(str(folder / "cut.png"), cut[..., ::-1])
    facts, pictures = speak(
        name, folder / "cut.png", write_sound(folder / "cut.wav", 0.08), checkpoint, folder / f"{name}-cut.mp4"
    )
    assert difference(pictures[0], cut, ABOVE) < 3
    assert "warning" not in facts


def test_no_face_is_told_and_leaves_nothing(folder, lawdnet):
    clip = write_face(folder / "nobody.mp4", frames=4, without=range(4))
    sound = write_sound(folder / "nobody.wav", 0.08)
    before = set(folder.iterdir())
    where = "its first 2 pictures, and no later ones are needed"
    with pytest.raises(InputError, match=rf"no face in {where}; --backend face-alignment may see it$"):
        speak("lawdnet", clip, sound, lawdnet[0], folder / "nobody-out.mp4")
    assert set(folder.iterdir()) == before


def test_a_checkpoint_of_another_network_is_named(clip, folder):
    sound = write_sound(folder / "wrong.wav", 0.1)
    checkpoint = write_checkpoint(folder / "a-dinet.safetensors", "dinet")
    with pytest.raises(WeightsError, match=r"a-dinet.*not a LawDNet generator"):
        speak("lawdnet", clip, sound, checkpoint, folder / "wrong.mp4", feature_model="mel")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_forms_load_and_speak(name, clip, places, folder, prefix):
    """A published file does not say what it was trained for: the features are to be named where they are others."""
    net = small_generator(name)
    path = folder / f"{name}{prefix}.pth"
    net_g = {prefix + key: value for key, value in net.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": {"net_g": net_g, "net_dI": {"x": torch.zeros(1)}}}, path)
    sound = write_sound(folder / "form.wav", 0.08)
    options = {"mouth_size": 64, "feature_model": "mel"}
    _, made = speak(name, clip, sound, path, folder / f"{name}-form.mp4", places, **options)
    reference = write_checkpoint(folder / f"{name}-reference.safetensors", name)
    _, known = speak(name, clip, sound, reference, folder / f"{name}-known.mp4", places)
    assert max(changes(made, known, ...)) < 0.1


def test_own_sound_stays_beside_the_pictures(folder, lawdnet):
    checkpoint, _ = lawdnet
    sound = write_sound(folder / "own.wav", 0.6, rate=44100)
    clip = write_face(folder / "own.mp4", frames=15, sound=sound)
    facts, _ = speak("lawdnet", clip, clip, checkpoint, folder / "own-out.mp4")
    assert facts["frames"] == pytest.approx(15, abs=1)
    heard, source = read_audio(folder / "own-out.mp4")[:26000], read_audio(clip)[:26000]
    assert np.corrcoef(heard, source)[0, 1] > 0.98
    silent = write_clip(folder / "mute.mp4", sound=None, frames=5)
    with pytest.raises(InputError, match="has no sound"):
        speak("lawdnet", silent, silent, checkpoint, folder / "no.mp4")


DUB = """
import sys
from pathlib import Path
from tk_tools.dubbing.options import DubOptions
from tk_tools.models.lawdnet.inference import infer

def work():
    infer(*map(Path, sys.argv[1:]), DubOptions())
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(folder, lawdnet):
    peaks = {}
    for seconds in (4, 12):
        sound = write_sound(folder / f"{seconds}s.wav", seconds)
        clip = write_face(folder / f"{seconds}s.mp4", frames=25 * seconds)
        crop_faces(clip, folder / f"{seconds}s.face.h5", CropOptions(layout="lawdnet", width=80))
        paths = [clip, lawdnet[0], sound, folder / f"{seconds}s.face.h5", folder / f"{seconds}s-out.mp4"]
        peaks[seconds] = peak_memory(DUB, *paths)
    assert peaks[12] < 1.1 * peaks[4]
