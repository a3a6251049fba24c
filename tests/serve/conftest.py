"""A running tk-serve for the tests: the installed command in a process of its own, with a model that is quick."""

import json
import os
import signal
import socket
import subprocess
import time
from http.client import HTTPResponse
from pathlib import Path

import pytest
import requests

from tests.cli.conftest import SCRIPTS
from tests.media import H264, write_click_wav, write_clip

ROOT = Path(__file__).parents[2]
ENDED = ("done", "failed", "cancelled")
TOKEN = "0123456789abcdef0123"
PATIENCE = 60  # seconds: no test waits so long unless something is wrong


class Serving:
    """A service and its client. `state`: its folder."""

    def __init__(self, arguments, environment, state, media):
        self.state, self.media, self._errors = state, media, state.with_name(f"{state.name}.err")
        self._session = requests.Session()
        with open(self._errors, "wb") as errors:
            self.process = subprocess.Popen(
                [SCRIPTS / "tk-serve", "--port", "0", "--state", state, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        self.url = self.process.stdout.readline().strip().removesuffix("/")
        assert self.url, self.said()

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def said(self):
        """Its messages so far."""
        return self._errors.read_text()

    def ask(self, method, path, **options):
        return self._session.request(method, self.url + path, timeout=PATIENCE, **options)

    def send(self, speech=None, face=None, **fields):
        """POST /jobs, by default with a template and a second of sound; bytes, paths or (name, bytes) as files."""
        files = {"speech": speech or self.media / "speech.wav"}
        if face is not None:
            files["face"] = face
        else:
            fields.setdefault("template", "anchor")
        opened = {name: file.read_bytes() if isinstance(file, Path) else file for name, file in files.items()}
        return self.ask("POST", "/jobs", files=opened, data=fields)

    def queue(self, **fields):
        """The id of a job that was taken."""
        answer = self.send(**fields)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def job(self, identity):
        return self.ask("GET", f"/jobs/{identity}").json()

    def wait(self, identity, *states):
        """The job, when it is in one of these states: by default when it has ended."""
        end = time.monotonic() + PATIENCE
        while (job := self.job(identity))["state"] not in (states or ENDED):
            assert time.monotonic() < end, job
            time.sleep(0.02)
        return job

    def folders(self):
        """The folders of jobs."""
        return sorted(path.name for path in (self.state / "jobs").iterdir())

    def memory(self):
        """Bytes that the process of the service itself has in memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def stop(self, number=signal.SIGTERM):
        """End it by a signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """anchor.mp4 and face.mp4, speech.wav of a second, and ckpt, which the model wants to be there."""
    folder = tmp_path_factory.mktemp("serve-media")
    write_clip(folder / "anchor.mp4", frames=25, sound=1.0, options=H264)
    write_clip(folder / "face.mp4", frames=10, sound=None, options=H264)
    write_click_wav(folder / "speech.wav", 1.0)
    (folder / "ckpt").touch()
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Where a package with the models `fake` and `speaker` is installed."""
    folder = tmp_path_factory.mktemp("plugged-in")
    information = folder / "fake-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1\n")
    models = "fake = tests.serve.fake_model:MODEL\nspeaker = tests.serve.fake_speaker:MODEL\n"
    (information / "entry_points.txt").write_text(f"[tk_tools.models]\n{models}")
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def _starter(environment, media, folder):
    started = []

    def start(*arguments, state=None, model=None):
        state = state or folder / f"state-{len(started)}"
        model = model or (
            "--model", "fake", "--checkpoint", media / "ckpt", "--template", f"anchor={media / 'anchor.mp4'}"
        )  # fmt: skip
        started.append(Serving((*model, *arguments), environment, state, media))
        return started[-1]

    yield start
    left = [one for one in started if one.process.poll() is None]
    codes = [one.stop() for one in left]
    assert codes == [143] * len(left)
    assert [one.said() for one in started if "Traceback" in one.said()] == []


@pytest.fixture
def start(environment, media, tmp_path):
    """start(*arguments, state=..., model=...) -> Serving; afterwards it is stopped, and no fault may have been told."""
    yield from _starter(environment, media, tmp_path)


@pytest.fixture(scope="session")
def served(environment, media, tmp_path_factory):
    """A service that tests share which need no other one."""
    starter = _starter(environment, media, tmp_path_factory.mktemp("served"))
    yield next(starter)("--max-upload", "2", "--max-seconds", "30")
    with pytest.raises(StopIteration):
        next(starter)


@pytest.fixture(scope="session")
def guarded(environment, media, tmp_path_factory):
    """A service that asks for TOKEN."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN + "\n")
    starter = _starter(environment, media, folder)
    yield next(starter)("--token-file", folder / "token")
    with pytest.raises(StopIteration):
        next(starter)


@pytest.fixture(scope="session")
def speaker(environment, media, tmp_path_factory):
    """A service that takes texts of 100 characters at most, and a voice."""
    starter = _starter(environment, media, tmp_path_factory.mktemp("speaker"))
    model = ("--model", "speaker", "--template", f"her={media / 'speech.wav'}")
    yield next(starter)("--max-characters", 100, model=model)
    with pytest.raises(StopIteration):
        next(starter)


@pytest.fixture
def fails(environment, media, tmp_path):
    """fails(*arguments, model=...) -> code and lines of stderr of a service that cannot start."""

    def call(*arguments, model=("--model", "fake", "--checkpoint", media / "ckpt")):
        command = [SCRIPTS / "tk-serve", *map(str, (*model, "--state", tmp_path / "state", *arguments))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines()

    return call


@pytest.fixture
def raw(served):
    """raw(head, *blocks) -> status and JSON of a request that is written by hand."""

    def call(head, *blocks):
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
            for block in blocks:
                try:
                    connection.sendall(block)
                except OSError:  # it does not listen any more
                    break
            answer = HTTPResponse(connection)
            answer.begin()
            return answer.status, json.loads(answer.read())

    return call
