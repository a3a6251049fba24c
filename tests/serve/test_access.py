"""Who may ask, and who is called back."""

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.serve.conftest import TOKEN
from tests.serve.waiting import wait_until
from tk_tools.errors import ConfigError
from tk_tools.serve.store import JobStore


def test_all_but_health_and_the_empty_page_ask_for_the_token(guarded, media):
    before = guarded.folders()
    for path in ("/jobs", "/jobs/x", "/jobs/x/result", "/metrics", "/service", "/openapi.json", "/none"):
        answer = guarded.ask("GET", path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
    for header in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü".encode()):
        assert guarded.ask("GET", "/jobs", headers={"authorization": header}).status_code == 401, header
    for path in ("/healthz", "/", "/docs", "/page.js"):
        answer = guarded.ask("GET", path)
        assert (answer.status_code, "anchor" in answer.text) == (200, False), path
    assert guarded.send().status_code == 401
    assert guarded.folders() == before
    assert guarded.ask("GET", "/jobs", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("host", ["x/healthz?", "127.0.0.1/healthz#", "/healthz"])
def test_a_host_header_does_not_open_a_path(guarded, host):
    assert guarded.ask("GET", "/jobs", headers={"host": host}).status_code in (400, 401)


def test_a_page_of_another_site_is_refused(served):
    assert served.ask("POST", "/jobs", headers={"origin": "http://evil.example"}).status_code == 403
    assert served.ask("GET", "/service", headers={"origin": served.url}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "[::1"])
def test_a_name_that_a_site_had_point_here_is_refused(served, host):
    assert served.ask("GET", "/jobs", headers={"host": host}).status_code in (400, 403)
    origin = {"host": host, "origin": f"http://{host}"}
    assert served.ask("POST", "/jobs", headers=origin).status_code in (400, 403)
    for known in ("localhost", "127.0.0.1:1234", "[::1]:80"):
        assert served.ask("GET", "/jobs", headers={"host": known}).status_code == 200


def test_a_folder_with_files_of_others_is_left_alone(tmp_path):
    theirs = tmp_path / "jobs" / "mine" / "file"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    mode = tmp_path.stat().st_mode
    with pytest.raises(ConfigError, match="holds other files"):
        JobStore(tmp_path)
    assert (theirs.read_text(), tmp_path.stat().st_mode) == ("mine", mode)


def test_only_folders_of_jobs_are_tidied_up(tmp_path):
    with closing(JobStore(tmp_path / "state")) as store:
        left = store.new_folder()
    (tmp_path / "state/jobs/mine").mkdir()
    with closing(JobStore(tmp_path / "state")) as store:
        store.recover()
    assert not left.exists()
    assert (tmp_path / "state/jobs/mine").exists()


@pytest.fixture
def listener():
    """A server that notes what it is sent, and answers with the numbers of `answers`, then 204."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.heard.append((self.path, content))
            server.came.release()
            status = server.answers.pop(0) if server.answers else 204
            self.send_response(status)
            if status == 307:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.answers, server.came = [], [], threading.Semaphore(0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_callback_tells_what_became_of_the_job(start, listener):
    host = f"127.0.0.1:{listener.server_port}"
    served = start("--callback-host", host)
    listener.answers = [500]
    job = served.queue(callback=f"http://{host}/done?x=1")
    for _ in range(2):  # the second try is taken
        assert listener.came.acquire(timeout=30)
    path, content = listener.heard[1]
    assert (path, content["id"], content["state"]) == ("/done?x=1", job, "done")
    assert content == served.job(job)
    failed = served.queue(callback=f"http://{host}/", act="fail")
    assert listener.came.acquire(timeout=30)
    assert (listener.heard[2][1]["id"], listener.heard[2][1]["state"]) == (failed, "failed")
    listener.answers = [307, 307, 307]
    served.queue(callback=f"http://{host}/away")
    for _ in range(2):
        assert listener.came.acquire(timeout=30)
    assert "/elsewhere" not in [path for path, _ in listener.heard]
    for address in (
        "http://127.0.0.1/",
        f"http://localhost:{listener.server_port}/",
        f"http://user@{host}/",
        f"http://{host}@evil.example/",
        f"ftp://{host}/",
        f"http://{host}.evil.example/",
        f"http://{host}/ x",
        "file:///etc/passwd",
        "http://[",
    ):
        assert served.send(callback=address).status_code == 422, address


def test_a_callback_that_a_restart_left_is_made_if_it_is_still_allowed(start, listener, tmp_path):
    allowed, other = f"127.0.0.1:{listener.server_port}", f"localhost:{listener.server_port}"
    store = JobStore(tmp_path / "state")
    for host in (other, allowed):
        job = store.add(store.new_folder(), {}, {}, 1.0, f"http://{host}/{host}", calls=1)
        store.end(job, "failed", "why")
    store.close()
    served = start("--callback-host", allowed, state=tmp_path / "state")
    assert listener.came.acquire(timeout=30)
    with closing(sqlite3.connect(tmp_path / "state" / "jobs.sqlite")) as database:
        wait_until(lambda: database.execute("select sum(calls) from jobs").fetchone() == (0,))
    served.stop()
    assert [(path, content["error"]) for path, content in listener.heard] == [(f"/{allowed}", "why")]
    start("--callback-host", allowed, state=tmp_path / "state").stop()
    assert len(listener.heard) == 1
