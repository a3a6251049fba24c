"""What tests in every folder share: a clip with sound, made once."""

import shutil
import signal

import pytest

from tests.media import write_clip

# A shell starts background commands with SIGINT ignored, and children inherit that; the tests of Ctrl-C need it back.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("media") / "clip.mp4")


@pytest.fixture
def clip(_clip, tmp_path):
    """A fresh copy of a clip: 50 numbered pictures of 64 x 64 at 25 per second, stereo sound at 44.1 kHz."""
    return shutil.copy(_clip, tmp_path / "clip.mp4")
