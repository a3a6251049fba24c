"""Jobs: from the files to the result, what is refused, and what is left of what was refused."""

import re
import time

import numpy as np
import pytest
import soundfile

from tests.media import write_click_wav
from tests.serve.waiting import wait_until


def test_a_face_and_a_speech_become_a_result(served, media):
    answer = served.send(face=media / "face.mp4", loud="true")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert (job["state"], job["result"], job["options"]) == ("queued", None, {"loud": "true"})
    done = served.wait(job["id"])
    assert (done["state"], done["progress"], done["error"]) == ("done", 1.0, "")
    assert done["facts"] == {"frames": 25, "loud": True}
    assert done["created"] <= done["started"] <= done["finished"]
    result = served.ask("GET", done["result"])
    assert (result.status_code, result.headers["content-type"]) == (200, "video/mp4")
    assert f'filename="fake-{job["id"][:8]}.mp4"' in result.headers["content-disposition"]
    assert result.content == (media / "face.mp4").read_bytes()
    folder = served.state / "jobs" / job["id"]
    assert [path.name for path in folder.iterdir()] == ["result.mp4"], "what was sent is removed"


def test_a_template_and_a_part_of_its_result(served, media):
    done = served.wait(served.queue())
    assert done["template"] == "anchor"
    content = (media / "anchor.mp4").read_bytes()
    part = served.ask("GET", done["result"], headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert served.ask("GET", done["result"], headers={"range": f"bytes={len(content)}-"}).status_code == 416


def test_progress_rises_while_it_is_made(served):
    job = served.queue(pace="1.5")
    seen = set()
    while (found := served.job(job))["state"] != "done":
        if found["state"] == "running":
            seen.add(found["progress"])
        time.sleep(0.02)
    assert len(seen) >= 3
    assert all(0 <= one < 1 for one in seen)


def test_jobs_are_listed_the_newest_first_a_page_at_a_time(served):
    jobs = [served.queue() for _ in range(3)]
    first = served.ask("GET", "/jobs?count=2").json()
    assert [job["id"] for job in first["jobs"]] == jobs[:0:-1]
    second = served.ask("GET", f"/jobs?count=2&before={first['next']}").json()
    assert second["jobs"][0]["id"] == jobs[0]
    assert served.ask("GET", "/jobs?count=1000").status_code == 422


PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://%s\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile '%s'\n",
}


@pytest.mark.parametrize(
    ("files", "fields", "status", "says"),
    [
        ({"speech": b"only a text\n"}, {"template": "anchor"}, 422, "speech: is not a media file"),
        ({"speech": b"<!DOCTYPE html>"}, {"template": "anchor"}, 422, "speech: is not a media file"),
        ({"speech": ""}, {"template": "anchor"}, 422, "the field speech is missing: a file with sound"),
        ({"speech": "face.mp4"}, {"template": "anchor"}, 422, "speech: has no sound"),
        ({"speech": "long.wav"}, {"template": "anchor"}, 422, "speech: lasts 31 s, and 30 s is the most here"),
        ({"speech": "speech.wav", "face": "speech.wav"}, {}, 422, "face: has no pictures"),
        ({"speech": "speech.wav"}, {}, 422, "a template's name in the field template (anchor)"),
        ({"speech": "speech.wav"}, {"template": "../anchor.mp4"}, 422, "there is no such template; there are: anchor"),
        ({"speech": "speech.wav", "face": "face.mp4"}, {"template": "anchor"}, 422, "do one of them"),
        ({"speech": "speech.wav", "extra": "face.mp4"}, {"template": "anchor"}, 422, "files are face and speech"),
        ({"speech": "speech.wav"}, {"template": "anchor", "pace": "-1"}, 422, "pace: '-1' is not a number from 0"),
        ({"speech": "speech.wav"}, {"template": "anchor", "pace": "nan"}, 422, "'nan' is not a number from 0 to 1000"),
        ({"speech": "speech.wav"}, {"template": "anchor", "loud": "x"}, 422, "loud: 'x' is neither true nor false"),
        ({"speech": "nan.wav"}, {"template": "anchor"}, 422, "speech: sample 7 is not a number; repair"),
        ({"speech": "inf.wav"}, {"template": "anchor"}, 422, "speech: sample 7 is not a number; repair"),
        ({"speech": "speech.wav"}, {"template": "anchor", "act": "rm"}, 422, "act: 'rm' is not one of"),
        ({"speech": "speech.wav"}, {"template": "anchor", "checkpoint": "/x"}, 422, "no field 'checkpoint'"),
        ({"speech": "speech.wav"}, {"template": "anchor", "callback": "http://x/"}, 422, "calls nobody back"),
        ({"speech": "speech.wav"}, {"template": "anchor", "pace": "1" * 20000}, 422, "are too long"),
        ({}, {"speech": "/etc/passwd"}, 422, "curl: -F speech=@FILE"),
        ({"speech": b"0" * 2_100_000}, {"template": "anchor"}, 413, "too large: 2 MB is the most here"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_and_nothing_of_it_stays(served, media, files, fields, status, says):
    before = served.folders()
    write_click_wav(media / "long.wav", 31, 8000)
    for value in (np.nan, np.inf):
        soundfile.write(media / f"{value}.wav", np.append(np.zeros(7), value), 16000, subtype="FLOAT")
    sent = {
        name: ("", b"") if file == "" else file if isinstance(file, bytes) else (file, (media / file).read_bytes())
        for name, file in files.items()
    }
    sent |= {name: (None, text) for name, text in fields.items()}
    answer = served.ask("POST", "/jobs", files=sent)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert says in answer.json()["error"]
    assert str(served.state) not in answer.text
    assert served.folders() == before


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_no_file_of_the_server(served, media, kind):
    content = PLAYLISTS[kind] % str(media / "anchor.mp4").encode()
    answer = served.send(face=("face.mp4", content))
    assert (answer.status_code, "face: is not a media file" in answer.text) == (422, True)


def test_a_client_s_file_names_are_never_used(served, media):
    content = (media / "speech.wav").read_bytes()
    for name in ("../../../up.wav", "/abs.wav", "a\\b\u202e.WAV", "x" * 200, "nul\0.wav"):
        job = served.queue(speech=(name, content))
        assert served.wait(job)["state"] == "done"
        assert name not in served.ask("GET", f"/jobs/{job}").text
    assert [path.name for path in (served.state / "jobs").parent.parent.glob("*.wav")] == []


def test_what_fails_is_told_in_words_without_a_path(served):
    failed = served.wait(served.queue(act="fail"))
    assert (failed["state"], failed["result"]) == ("failed", None)
    assert failed["error"] == "no face in any of its pictures"
    fault = served.wait(served.queue(act="fault"))
    assert "unexpected RuntimeError: a fault in result" in fault["error"]
    assert str(served.state) not in fault["error"]
    answer = served.ask("GET", f"/jobs/{fault['id']}/result")
    assert (answer.status_code, "the job is failed" in answer.json()["error"]) == (409, True)
    sent = served.wait(served.queue(face=(served.media / "face.mp4"), act="fail"))
    assert sent["error"] == "face: no face in any of its pictures"


def test_an_answer_that_cannot_be_handed_over_fails_that_job_alone(served):
    def restarts():
        return re.search(r"^tk_serve_worker_restarts_total .*", served.ask("GET", "/metrics").text, re.MULTILINE)[0]

    before = restarts()
    failed = served.wait(served.queue(act="unsendable"))
    assert (failed["state"], "its answer cannot be handed over" in failed["error"]) == ("failed", True)
    assert served.wait(served.queue())["state"] == "done"
    assert restarts() == before


def test_cancelled_while_it_waits_and_while_it_is_made(served):
    running, waiting = served.queue(pace="300"), served.queue(pace="300")
    served.wait(running, "running")
    assert served.job(waiting)["ahead"] == 0
    assert served.ask("GET", f"/jobs/{waiting}/result").status_code == 409
    assert served.ask("DELETE", f"/jobs/{waiting}").json()["state"] == "cancelled"
    assert served.ask("DELETE", f"/jobs/{running}").json()["state"] == "cancelled"
    assert served.wait(served.queue())["state"] == "done"  # by a new worker
    for job in (running, waiting):
        assert list((served.state / "jobs" / job).iterdir()) == []


def test_an_ended_job_is_removed(served):
    job = served.queue()
    served.wait(job)
    assert served.ask("DELETE", f"/jobs/{job}").status_code == 204
    assert served.ask("GET", f"/jobs/{job}").status_code == 404
    assert job not in served.folders()
    assert served.ask("DELETE", "/jobs/none").status_code == 404


def test_a_worker_that_dies_costs_one_more_try(served, media):
    assert served.wait(served.queue(act="die once"))["state"] == "done"
    died = served.wait(served.queue(act="die"))
    assert died["state"] == "failed"
    assert died["error"] == "the worker was killed (signal 9), perhaps out of memory; tried 2 times"
    assert served.wait(served.queue())["state"] == "done"
    assert 'tk_serve_jobs_ended_total{state="failed"}' in served.ask("GET", "/metrics").text


def test_a_job_that_takes_too_long_is_stopped(start):
    served = start("--job-seconds", "0.5")
    failed = served.wait(served.queue(pace="60"))
    assert (failed["state"], "longer than the 0.5 s" in failed["error"]) == ("failed", True)
    assert served.wait(served.queue())["state"] == "done"


def test_a_full_queue_refuses_and_says_when_to_come_again(start):
    served = start("--queue", "2")
    served.wait(served.queue(pace="60"), "running")
    waiting = [served.queue(), served.queue()]
    refused = served.send()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert "2 jobs wait already" in refused.json()["error"]
    plain = served.ask("POST", "/generate-video", files={"audio": b"x"})
    assert (plain.status_code, plain.text) == (429, refused.json()["error"])
    assert [served.job(job)["ahead"] for job in waiting] == [0, 1]
    assert len(served.folders()) == 3
    served.ask("DELETE", f"/jobs/{waiting[0]}")
    assert served.send().status_code == 202


def test_results_expire(start):
    served = start("--keep-hours", "0.0003")
    job = served.queue()
    served.wait(job)
    wait_until(lambda: served.ask("GET", f"/jobs/{job}").status_code == 404)
    assert served.folders() == []


def test_each_device_has_a_worker(start):
    served = start("--device", "cpu", "--device", "cuda")  # the model does not care
    jobs = [served.queue(pace="60") for _ in range(3)]
    for job in jobs[:2]:
        served.wait(job, "running")
    assert served.job(jobs[2])["state"] == "queued"
    served.ask("DELETE", f"/jobs/{jobs[0]}")
    served.wait(jobs[2], "running")
    assert served.job(jobs[1])["state"] == "running"
