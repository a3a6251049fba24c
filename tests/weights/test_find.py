"""Weight files are found where they lie, in a fixed order, and a missing one says what to do."""

import sys

import pytest

from tk_tools.errors import ConfigError, WeightsError
from tk_tools.weights.find import cache_folder, fetch_folder, find_weights


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """An empty cache, torch home and TK_WEIGHTS."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path / "own"))
    return tmp_path


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_order_of_the_folders(homes):
    last = put(homes / "torch" / "hub" / "checkpoints" / "s3fd-619a316812.pth")
    assert find_weights("s3fd") == last
    assert find_weights("s3fd", homes / "absent") == last
    cached = put(cache_folder() / "s3fd.pth")
    assert find_weights("s3fd") == cached
    own = put(homes / "own" / "s3fd-619a316812.pth")
    assert find_weights("s3fd") == own
    named = put(homes / "named" / "s3fd.pth")
    assert find_weights("s3fd", homes / "named") == named


def test_published_name_goes_before_other_names(homes):
    put(homes / "own" / "s3fd.pth")
    published = put(homes / "own" / "s3fd-619a316812.pth")
    assert find_weights("s3fd") == published


def test_files_of_packages_are_found_without_importing_them(homes):
    sys.modules.pop("face_recognition_models", None)
    path = find_weights("dlib-landmarks")
    assert path.name == "shape_predictor_68_face_landmarks.dat"
    assert "face_recognition_models" not in sys.modules


def test_missing_file_says_what_to_do(homes):
    with pytest.raises(WeightsError) as caught:
        find_weights("wav2lip-gan")
    assert str(caught.value) == (
        "the weights wav2lip-gan (generator, trained with the quality discriminator) are not on this machine; "
        f"run `tk-weights fetch wav2lip-gan`, or put the file at {homes / 'own' / 'wav2lip_gan.pth'}"
    )
    with pytest.raises(WeightsError, match=r"from https://drive\.google\.com/\S+ by hand and put it at .*enc\.pt"):
        find_weights("diffvc-encoder")


def test_missing_package_is_no_error(homes, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"tk-weights fetch ge2e`, or install .*: pip install --no-deps resemblyzer"):
        find_weights("ge2e")


def test_unknown_name(homes):
    with pytest.raises(ConfigError, match="no published weights named"):
        find_weights("wav2lop")


def test_where_fetched_files_go(homes, monkeypatch):
    assert fetch_folder(homes / "named") == homes / "named"
    assert fetch_folder() == homes / "own"
    monkeypatch.delenv("TK_WEIGHTS")
    assert fetch_folder() == homes / "cache" / "tk-tools" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(homes))
    assert fetch_folder() == homes / ".cache" / "tk-tools" / "weights"
