"""The routes of the original's servers, as its clients use them."""

import pytest
import requests

from tests.serve.waiting import wait_until

ROUTES = {"/upload-audio": "file", "/generate_video": "audio", "/generate-video": "audio"}


@pytest.mark.parametrize("route", ROUTES)
def test_a_speech_comes_back_as_the_first_template_s_video(served, media, route):
    before = served.folders()
    for field in (ROUTES[route], "file", "audio"):
        with open(media / "speech.wav", "rb") as file:
            answer = served.ask("POST", route, files={field: file})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        assert answer.content == (media / "anchor.mp4").read_bytes()
        assert answer.headers["content-disposition"].startswith("attachment" if route == "/upload-audio" else "inline")
    wait_until(lambda: served.folders() == before)  # it is sent first, and then removed


def test_what_the_original_says_of_a_form_without_a_file(served):
    said = {
        ("/upload-audio", "other"): "No file part",
        ("/generate_video", "other"): "没有上传音频文件",
        ("/generate-video", "other"): "没有上传音频文件",
    }
    for (route, field), text in said.items():
        forms = {"files": {field: (None, "x")}}, {"files": {"file": (None, "x")}}, {"data": {"file": "x"}}, {}
        for form in forms:  # the last two are none that could hold a file
            answer = served.ask("POST", route, **form)
            assert (answer.status_code, answer.text) == (400, text), form
    # as a browser sends a file that nobody chose
    body = b'--e\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--e--\r\n'
    answer = served.ask("POST", "/upload-audio", data=body, headers={"content-type": "multipart/form-data; boundary=e"})
    assert (answer.status_code, answer.text) == (400, "No selected file")


def test_what_is_refused_is_told_in_plain_text(served):
    for form, told in (
        ({"files": {"file": bytes(2_100_000)}}, (413, "that is too large: 2 MB is the most here")),
        ({"files": {"file": b"x"}, "data": {"pace": "x"}}, (422, "pace: 'x' is not a number from 0 to 1000")),
    ):
        answer = served.ask("POST", "/upload-audio", **form)
        assert (answer.status_code, answer.text) == told


def test_what_cannot_be_made(served, media):
    before, speech = served.folders(), (media / "speech.wav").read_bytes()
    answer = served.ask("POST", "/upload-audio", files={"file": speech}, data={"act": "fail"})
    assert (answer.status_code, answer.text) == (404, "Video not found")
    answer = served.ask("POST", "/generate-video", files={"audio": b"no sound"})
    assert (answer.status_code, answer.text) == (422, "speech: is not a media file, or it is damaged or cut short")
    assert served.folders() == before


def test_a_client_that_does_not_wait_has_its_job_cancelled(served, media):
    before = served.folders()
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{served.url}/generate-video",
            files={"audio": (media / "speech.wav").read_bytes()},
            data={"pace": "300"},
            timeout=1,
        )
    wait_until(lambda: served.folders() == before)
    assert served.wait(served.queue())["state"] == "done"  # nothing stands before it any more
