"""Downloads from a server that behaves as badly as real ones: what the user finds afterwards is whole, or not there."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tk_tools.errors import OutputError, WeightsError
from tk_tools.weights.fetch import Patience, fetch
from tk_tools.weights.table import Published, get_published

CONTENT = bytes(range(256)) * 16000  # 4 MB
QUICK = Patience(timeout=5, attempts=3, pause=0.01)


class Server(ThreadingHTTPServer):
    """CONTENT under any path; the path's words switch faults on. `requests` keeps (path, Range) of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.etag = '"first"'
        self.content = CONTENT
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # a client that refuses the file hangs up


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, path, content = self.server, self.path, self.server.content
        asked = self.headers.get("Range")
        server.requests.append((path, asked))
        if "missing" in path:
            return self.send_error(404)
        if "busy" in path and len(server.requests) < 3:
            return self.send_error(503)
        if "page" in path:
            content = b"<!doctype html><title>Confirm</title>" + b" " * 5000
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        start = int(match[1]) if match and "norange" not in path else 0
        if self.headers.get("If-Range", server.etag) != server.etag:
            start = 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", server.etag)
        self.send_header("Content-Type", "text/html" if "htmlpage" in path else "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + len(content) // 3 + 1 if "break" in path else len(content)
        if "stuck" in path:
            end = start
        self.wfile.write(content[start:end])
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def entry(server, *paths, **fields):
    known = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    return Published(
        **{"name": "some-weights", "system": "shared", "file": "some.pth", "holds": "numbers", "terms": "free"},
        addresses=tuple(f"{server.address}/{path}" for path in paths),
        **{**known, **fields},
    )


def assert_whole_and_alone(path):
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == [path.name]


def test_fetches_and_reports(server, tmp_path):
    reports = []
    path = fetch(entry(server, "good"), tmp_path / "new" / "folder", report=lambda *seen: reports.append(seen))
    assert path == tmp_path / "new" / "folder" / "some.pth"
    assert_whole_and_alone(path)
    assert reports[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})


def test_second_run_fetches_nothing(server, tmp_path):
    fetch(entry(server, "good"), tmp_path)
    fetch(entry(server, "good"), tmp_path)
    assert len(server.requests) == 1


def test_resumes_when_the_connection_breaks(server, tmp_path):
    assert_whole_and_alone(fetch(entry(server, "break"), tmp_path, patience=QUICK))
    third = len(CONTENT) // 3 + 1
    assert [asked for _, asked in server.requests] == [None, f"bytes={third}-", f"bytes={2 * third}-"]


def test_resumes_in_a_second_run(server, tmp_path):
    with pytest.raises(WeightsError):
        fetch(entry(server, "break"), tmp_path, patience=replace(QUICK, attempts=1))
    assert not (tmp_path / "some.pth").exists()
    assert_whole_and_alone(fetch(entry(server, "break"), tmp_path, patience=QUICK))
    assert server.requests[1][1] == f"bytes={len(CONTENT) // 3 + 1}-"


def test_begins_again_when_the_server_does_not_resume(server, tmp_path):
    with pytest.raises(WeightsError, match="broke off after"):
        fetch(entry(server, "break/norange"), tmp_path, patience=QUICK)
    part = next(tmp_path.glob(".some.pth.*.part"))
    assert part.stat().st_size == len(CONTENT) // 3 + 1


def test_begins_again_when_the_file_changed_on_the_server(server, tmp_path):
    unknown = {"size": None, "sha256": None}
    with pytest.raises(WeightsError):
        fetch(entry(server, "break", **unknown), tmp_path, patience=replace(QUICK, attempts=1))
    server.etag, server.content = '"second"', CONTENT[::-1]
    path = fetch(entry(server, "break", **unknown), tmp_path, patience=QUICK)
    assert path.read_bytes() == CONTENT[::-1]


def test_part_that_is_whole_already(server, tmp_path):
    with pytest.raises(WeightsError):
        fetch(entry(server, "break"), tmp_path, patience=replace(QUICK, attempts=1))
    next(tmp_path.glob(".*.part")).write_bytes(CONTENT)
    assert_whole_and_alone(fetch(entry(server, "break"), tmp_path, patience=QUICK))
    next_to_last = bytes(len(CONTENT) + 5)
    with pytest.raises(WeightsError):
        fetch(entry(server, "break"), tmp_path, force=True, patience=replace(QUICK, attempts=1))
    next(tmp_path.glob(".*.part")).write_bytes(next_to_last)
    assert_whole_and_alone(fetch(entry(server, "break"), tmp_path, force=True, patience=QUICK))


def test_tries_again_when_the_server_is_busy(server, tmp_path):
    assert_whole_and_alone(fetch(entry(server, "busy"), tmp_path, patience=QUICK))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("missing", {}, "answers 404 Not Found"),
        ("htmlpage", {}, "answers with a web page"),
        ("page", {"size": None, "sha256": None}, "is a web page"),
        ("good", {"size": 17}, "offers 4096000 bytes, the published file has 17"),
        ("good", {"sha256": "0" * 64}, "is not the published some-weights: sha256 "),
        ("good", {"sha256": "0" * 10}, "is not the published some-weights: sha256 "),
        ("stuck", {}, "broke off after 0 of 4096000 bytes"),
    ],
)
def test_refuses_what_is_not_the_file(server, tmp_path, path, fields, message):
    with pytest.raises(WeightsError, match=message) as caught:
        fetch(entry(server, path, **fields), tmp_path, patience=QUICK)
    assert f"put it at {tmp_path / 'some.pth'}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [name for name in os.listdir(tmp_path) if not name.endswith((".part", ".etag"))] == []


def test_wrong_bytes_do_not_stay(server, tmp_path):
    with pytest.raises(WeightsError):
        fetch(entry(server, "good", sha256="0" * 64), tmp_path, patience=QUICK)
    assert os.listdir(tmp_path) == []


def test_what_a_broken_address_left_goes_when_another_gives_the_file(server, tmp_path):
    both = replace(entry(server, "break", "good"), addresses=(f"{server.address}/break", f"{server.address}/good"))
    assert_whole_and_alone(fetch(both, tmp_path, patience=replace(QUICK, attempts=1)))


def test_goes_on_to_the_next_address(server, tmp_path):
    assert_whole_and_alone(
        fetch(
            replace(entry(server, "good"), addresses=(f"{server.address}/missing", f"{server.address}/good")),
            tmp_path,
            patience=QUICK,
        )
    )


def test_known_beginning_of_a_digest_is_enough(server, tmp_path):
    digest = hashlib.sha256(CONTENT).hexdigest()[:8]
    assert_whole_and_alone(fetch(entry(server, "good", sha256=digest), tmp_path))


def test_offline_says_which_file_to_put_where(server, tmp_path):
    gone = entry(server, "good")
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match=r"cannot be reached .Connection refused.") as caught:
        fetch(gone, tmp_path, patience=QUICK)
    assert f"download some.pth from one of these addresses and put it at {tmp_path / 'some.pth'}" in str(caught.value)


def test_by_hand_alone(tmp_path):
    with pytest.raises(
        WeightsError, match=r"diffvc-encoder: no program may fetch them: download enc\.pt from https://dr"
    ):
        fetch(get_published("diffvc-encoder"), tmp_path)


def test_other_file_of_that_name_is_kept(server, tmp_path):
    mine = tmp_path / "some.pth"
    mine.write_bytes(b"mine")
    with pytest.raises(WeightsError, match="has 4 bytes, the published some-weights has 4096000; move it away, or"):
        fetch(entry(server, "good"), tmp_path)
    assert mine.read_bytes() == b"mine"
    assert_whole_and_alone(fetch(entry(server, "good"), tmp_path, force=True))


def test_a_part_that_goes_while_it_is_looked_at_is_made_again(server, tmp_path, monkeypatch):
    """As when another run finishes between two looks at it."""
    looks = []
    usual = os.fstat

    def fstat(number):
        found = usual(number)
        if not looks:
            looks.append(number)
            for part in tmp_path.glob(".*.part"):
                part.unlink()
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    assert_whole_and_alone(fetch(entry(server, "good"), tmp_path, patience=QUICK))
    assert looks


def test_two_runs_at_once_do_one_download(server, tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(entry(server, "break"), tmp_path, patience=QUICK)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "some.pth"] * 4
    assert_whole_and_alone(found[0])
    assert len(server.requests) == 3


def test_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.delenv("no_proxy", raising=False)
    far = replace(entry(server), addresses=("http://weights.invalid/good",))
    assert_whole_and_alone(fetch(far, tmp_path, patience=QUICK))
    assert server.requests == [("http://weights.invalid/good", None)]


def test_full_disk(server, tmp_path):
    """In a child, whose files may not grow past 1 MB."""
    code = f"""
import resource, signal
from pathlib import Path
from tests.weights.test_fetch import entry, QUICK
from tk_tools.errors import OutputError
from tk_tools.weights.fetch import fetch
from types import SimpleNamespace
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    fetch(entry(SimpleNamespace(address={server.address!r}), "good"), Path({str(tmp_path)!r}), patience=QUICK)
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        done.stdout == f"{tmp_path / 'some.pth'}: cannot be written: the file grew past the size limit of the system\n"
    )
    assert done.stderr == ""
    assert not (tmp_path / "some.pth").exists()
    assert_whole_and_alone(fetch(entry(server, "good"), tmp_path, patience=QUICK))


def test_too_little_room_is_said_before(server, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match="no room left on the disk"):
        fetch(entry(server, "good"), tmp_path, patience=QUICK)


def test_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OutputError, match="a part of this path is a file"):
        fetch(entry(server, "good"), tmp_path / "folder", patience=QUICK)
