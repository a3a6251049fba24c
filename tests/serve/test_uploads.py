"""Uploads that are hostile or broken off: nothing stays of them, and memory and disk stay as they are."""

import asyncio
import io
import resource
import socket
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from fastapi import Request

from tests.serve.fake_model import SPEECH
from tests.serve.waiting import wait_until
from tk_tools.errors import InputError
from tk_tools.files.media import probe
from tk_tools.serve import uploads
from tk_tools.serve.refusal import Refused
from tk_tools.serve.work import check_upload

FORM = "Content-Type: multipart/form-data; boundary=edge\n"
PART = b'--edge\r\nContent-Disposition: form-data; name="speech"; filename="a.wav"\r\n\r\n'
BLOCK = bytes(1 << 16)


def test_ten_gigabytes_that_are_announced_are_refused_at_once(served, raw):
    head = f"POST /jobs HTTP/1.1\nHost: localhost\n{FORM}Content-Length: 10000000000\n"
    status, told = raw(head, PART, BLOCK)
    assert (status, told) == (413, {"error": "that is too large: 2 MB is the most here"})


def test_ten_gigabytes_in_chunks_fill_neither_memory_nor_disk(served, raw):
    before, folders = served.memory(), served.folders()
    head = f"POST /jobs HTTP/1.1\nHost: localhost\n{FORM}Transfer-Encoding: chunked\n"
    chunk = b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)
    status, told = raw(head, b"%x\r\n%s\r\n" % (len(PART), PART), *(chunk for _ in range(160_000)))
    assert (status, told["error"]) == (413, "that is too large: 2 MB is the most here")
    assert served.memory() - before < 20_000_000
    assert served.folders() == folders


def test_a_client_that_goes_away_leaves_nothing(served):
    before = served.folders()
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        head = f"POST /jobs HTTP/1.1\nHost: localhost\n{FORM}Content-Length: 1000000\n\n".replace("\n", "\r\n")
        connection.sendall(head.encode() + PART + BLOCK)
        wait_until(lambda: len(served.folders()) == len(before) + 1)
    wait_until(lambda: served.folders() == before)


def test_a_form_that_breaks_off_or_is_none(served, raw):
    before = served.folders()
    cases = {
        PART + b"abc": "it ends before its last boundary",
        b"--edge\r\nno header": "the form cannot be read",
        b"nothing of the kind": "the form cannot be read",
        b"": "the form cannot be read",
        b"--edge\r\n" * 100: "the form cannot be read",
        PART + b"a\r\n" + PART + b"a\r\n--edge--\r\n": "the field speech is sent twice",
        b'--edge\r\nContent-Disposition: form-data; name="pace"\r\n\r\n\xff\r\n--edge--\r\n': "is not UTF-8",
    }
    for body, says in cases.items():
        status, told = raw(f"POST /jobs HTTP/1.1\nHost: localhost\n{FORM}Content-Length: {len(body)}\n", body)
        assert (status, says in told["error"]) == (422, True), (body, told)
    status, told = raw("POST /jobs HTTP/1.1\nHost: localhost\nContent-Type: text/plain\nContent-Length: 3\n", b"abc")
    assert (status, told["error"]) == (415, "send a form of the type multipart/form-data")
    assert served.folders() == before


def test_many_parts(served, raw):
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="n%d"\r\n\r\n1\r\n' % number for number in range(60)
    )
    status, told = raw(f"POST /jobs HTTP/1.1\nHost: localhost\n{FORM}Content-Length: {len(body)}\n", body)
    assert (status, told["error"]) == (422, "the form has more than 40 parts")


def test_an_upload_that_stops_is_dropped(monkeypatch, tmp_path):
    blocks = [{"type": "http.request", "body": PART + b"abc", "more_body": True}]

    async def receive():
        return blocks.pop() if blocks else await asyncio.sleep(60)

    monkeypatch.setattr(uploads, "_SILENCE", 0.05)
    headers = [(b"content-type", b"multipart/form-data; boundary=edge")]
    request = Request({"type": "http", "headers": headers}, receive)
    # in a thread of its own: the browser's tests leave a loop running in this one
    with ThreadPoolExecutor() as thread, pytest.raises(Refused, match="came to a stop") as refused:
        thread.submit(asyncio.run, uploads.receive_form(request, tmp_path, (SPEECH,), 1000)).result()
    assert refused.value.status == 408


def test_a_full_disk_is_told(served):
    before = served.folders()
    _, hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        answer = served.send(speech=bytes(1_900_000))
    finally:
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert (answer.status_code, answer.json()["error"]) == (507, "there is no room for it on this server's disk")
    assert served.folders() == before
    assert served.send().status_code == 202


class _Stream(io.RawIOBase):
    """A file that cannot be gone back in, as what is recorded while it is sent."""

    def __init__(self, file):
        self._file = file

    def writable(self):
        return True

    def seekable(self):
        return False

    def write(self, data):
        return self._file.write(data)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Three seconds of a browser's recorder: its container does not say how long they are."""
    path = tmp_path_factory.mktemp("live") / "live.webm"
    with open(path, "wb") as file, av.open(_Stream(file), "w", format="webm") as out:
        video, audio = out.add_stream("libvpx", rate=10), out.add_stream("libopus", rate=48000)
        video.width, video.height, video.pix_fmt, audio.layout = 64, 48, "yuv420p", "mono"
        for second in range(3):
            for tenth in range(10):
                picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
                picture.pts = second * 10 + tenth
                out.mux(video.encode(picture))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), "flt", "mono")
            sound.sample_rate, sound.pts = 48000, second * 48000
            out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return path


@pytest.mark.parametrize("holds", ["sound", "pictures"])
def test_a_file_that_does_not_say_how_long_it_is(live, holds):
    assert probe(live).duration == 0
    assert check_upload(live, holds, 4.0, 1) == pytest.approx(3, abs=0.15)
    with pytest.raises(InputError, match=r"lasts longer, and 2 s is the most here"):
        check_upload(live, holds, 2.0, 1)
