"""What tests in every folder share: a clip with sound, made once, and a browser: Chromium without a window."""

import shutil
import signal

import pytest

from tests.media import write_clip

CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

# A shell starts background commands with SIGINT ignored, and children inherit that; the tests of Ctrl-C need it back.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("media") / "clip.mp4")


@pytest.fixture
def clip(_clip, tmp_path):
    """A fresh copy of a clip: 50 numbered pictures of 64 x 64 at 25 per second, stereo sound at 44.1 kHz."""
    return shutil.copy(_clip, tmp_path / "clip.mp4")


@pytest.fixture(scope="session")
def chromium():
    """The browser; the test is left out where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS, headless=True)
        yield browser
        browser.close()
