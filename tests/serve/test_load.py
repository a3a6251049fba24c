"""Many clients at once: nothing is lost, every one gets its own result, and the service stays as large as it was."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.serve.conftest import ENDED
from tk_tools.serve.store import JobStore

CLIENTS, REQUESTS = 20, 200


@pytest.mark.slow
def test_two_hundred_requests_of_twenty_clients(start, media):
    served = start("--queue", "32")
    speech, face = (media / "speech.wav").read_bytes(), (media / "face.mp4").read_bytes()
    warm = [served.queue() for _ in range(20)]
    served.wait(warm[-1])
    before = served.memory()

    def client(number):
        """One client's requests: ids and results; a full queue is met by asking again."""
        got = []
        with requests.Session() as session:
            for count in range(REQUESTS // CLIENTS):
                content = face + b"%d %d" % (number, count)  # mp4 readers do not mind
                files, fields = {"speech": speech, "face": content}, {"loud": "true"}
                while (answer := session.post(f"{served.url}/jobs", files=files, data=fields)).status_code == 429:
                    time.sleep(0.1)
                assert answer.status_code == 202, answer.text
                job = answer.json()
                while job["state"] not in ENDED:
                    time.sleep(0.2)
                    job = session.get(f"{served.url}/jobs/{job['id']}").json()
                assert job["state"] == "done", job
                got.append((job["id"], session.get(f"{served.url}{job['result']}").content == content))
        return got

    with ThreadPoolExecutor(CLIENTS) as clients:
        got = [one for part in clients.map(client, range(CLIENTS)) for one in part]
    grown = served.memory() - before
    print(f"memory of the service: {before / 1e6:.1f} MB before, {grown / 1e6:+.1f} MB after {REQUESTS} requests")
    assert len({identity for identity, _ in got}) == REQUESTS
    assert all(its_own for _, its_own in got)
    assert f'tk_serve_jobs_ended_total{{state="done"}} {REQUESTS + len(warm):.1f}' in served.ask("GET", "/metrics").text
    assert grown < 15_000_000


def test_a_thousand_jobs_wait(start, tmp_path):
    store = JobStore(tmp_path / "state")
    seconds = []
    for number in range(1001):
        begin = time.perf_counter()
        options = {} if number else {"pace": "90"}
        store.add(store.new_folder(), {"face": {"template": "anchor"}, "speech": "speech.wav"}, options, 1.0)
        seconds.append(time.perf_counter() - begin)
    store.close()
    assert statistics.median(seconds[-100:]) < 5 * statistics.median(seconds[:100]) + 0.001
    served = start("--queue", "1000", "-q", state=tmp_path / "state")
    first = served.ask("GET", "/jobs?count=100").json()
    assert len(first["jobs"]) == 100
    assert first["jobs"][0]["ahead"] == 999
    assert served.send().status_code == 429
    following, count = first["next"], 100
    while following:
        page = served.ask("GET", f"/jobs?count=100&before={following}").json()
        following, count = page["next"], count + len(page["jobs"])
    assert count == 1001
    assert "tk_serve_jobs_waiting 1000.0" in served.ask("GET", "/metrics").text
    last = first["jobs"][0]["id"]
    assert served.ask("DELETE", f"/jobs/{last}").json()["state"] == "cancelled"
    assert served.send().status_code == 202
