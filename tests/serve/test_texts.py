"""Texts: in a field or in a file, whatever is wrong with them, and voices that some weights have no use for."""

from pathlib import Path

import pytest

from tests.serve.waiting import wait_until
from tk_tools import models
from tk_tools.errors import ConfigError
from tk_tools.serve.offer import Offer
from tk_tools.serve.options import ServeOptions

HER = {"template": "her"}


def send(served, text, **fields):
    """POST /jobs; the text as a field, or (name, bytes) as a file; bytes or (name, bytes) of other fields as files."""
    sent = {"text": text, **fields}
    return served.ask("POST", "/jobs", files={k: (None, v) if isinstance(v, str) else v for k, v in sent.items()})


def queue(served, text, **fields):
    answer = send(served, text, **fields)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def test_a_text_as_a_field_and_as_a_file(speaker, media):
    lines = "Grüße.\r\n你好 😀\r\n"
    field = speaker.wait(queue(speaker, lines, **HER))
    assert (field["state"], field["facts"]) == ("done", {"text": lines, "voice": ["speech"]})
    voice = (media / "speech.wav").read_bytes()
    marked = b"\xef\xbb\xbf" + "é".encode() * 100
    file = speaker.wait(queue(speaker, ("../../up.phonemes.txt", marked), voice=voice))
    assert (file["state"], file["facts"]) == ("done", {"text": marked.decode(), "voice": ["voice"]})
    result = speaker.ask("GET", file["result"])
    assert (result.headers["content-type"], result.content[:4]) == ("audio/wav", b"RIFF")
    folder = speaker.state / "jobs" / file["id"]
    assert [path.name for path in folder.iterdir()] == ["result.wav"], "what was sent is removed"


@pytest.mark.parametrize(
    ("text", "fields", "says"),
    [
        ("", HER, "text: is empty: there is nothing to say"),
        (" \n\t", HER, "text: is empty"),
        ("?! …", HER, "text: holds marks alone"),
        (("a.txt", b"\xef\xbb\xbf"), HER, "text: is empty"),
        (("", b""), HER, "the field text is missing: a text, or a file of one"),
        ("a" * 101, HER, "text: is longer than 100 characters, the most here"),
        (("a.txt", b"a" * 1_000_000), HER, "text: is longer than 100 characters"),
        (("a.txt", "Guten Tag".encode("utf-16")), HER, "text: is not UTF-8 text; save it as such"),
        (("a.txt", b"caf\xe9"), HER, "text: is not UTF-8 text"),
        ("Say this.", {}, "the field voice is missing: a file with sound; or a template's name in the field template"),
        ("Say this.", {"voice": b"no sound"}, "voice: is not a media file"),
        ("Say this.", {"voice": "her"}, "curl: -F voice=@FILE"),
        ("Say this.", HER | {"reference": "/etc/passwd"}, "there is no field 'reference'"),
        ("Say this.", HER | {"voices": "one"}, "there is no field 'voices'"),
        ("Say this.", HER | {"share": "2"}, "share: '2' is not a number from 0 to 1"),
        ("Say this.", HER | {"language": "qq"}, "nobody speaks 'qq'"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_told_and_nothing_of_it_stays(speaker, text, fields, says):
    before = speaker.folders()
    answer = send(speaker, text, **fields)
    assert (answer.status_code, says in answer.json()["error"]) == (422, True), answer.text
    assert speaker.folders() == before


def test_a_text_that_is_no_utf_8_in_a_field(speaker):
    head = '--e\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = (head.format("template", "her") + head.format("text", "café") + "--e--\r\n").encode("latin-1")
    answer = speaker.ask("POST", "/jobs", data=body, headers={"content-type": "multipart/form-data; boundary=e"})
    assert (answer.status_code, answer.json()["error"]) == (422, "text: is not UTF-8 text; save it as such")


def test_progress_is_told_by_the_length_of_the_text(speaker):
    job = queue(speaker, 60 * "a", pace="300", **HER)  # four seconds, as it may be spoken
    wait_until(lambda: speaker.job(job)["progress"] == 0.25)
    assert speaker.ask("DELETE", f"/jobs/{job}").json()["state"] == "cancelled"
    assert list((speaker.state / "jobs" / job).iterdir()) == []


def test_what_is_left_of_a_model_of_one_voice_and_its_restart(start):
    model = ("--model", "speaker", "--voices", "one")
    served = start(model=model)
    facts = served.ask("GET", "/service").json()
    assert [one["field"] for one in facts["uploads"]] == ["text"]
    assert [one["name"] for one in facts["options"]] == ["language", "pace"]
    assert facts["limits"]["characters"] == 20_000
    form = served.ask("GET", "/openapi.json").json()["paths"]["/jobs"]["post"]["requestBody"]["content"]
    assert set(form["multipart/form-data"]["schema"]["properties"]) == {"text", "language", "pace", "callback"}
    assert served.wait(queue(served, "Say this."))["facts"] == {"text": "Say this.", "voice": []}
    refused = {
        name: send(served, "Say this.", **{name: value})
        for name, value in (("voice", b"x"), ("share", "1"), ("template", "her"))
    }
    assert {
        name: (answer.status_code, answer.json()["error"].partition(";")[0]) for name, answer in refused.items()
    } == {
        "voice": (422, "no file is taken in a field of that name"),
        "share": (422, "there is no field 'share'"),
        "template": (422, "no template is taken here, or not with these weights"),
    }
    job = queue(served, "And that.", pace="1")
    served.wait(job, "running")
    assert served.stop() == 143
    again = start(state=served.state, model=model)
    assert again.wait(job)["facts"]["text"] == "And that."


@pytest.fixture
def offered(monkeypatch, tmp_path):
    """offered(**templates) -> Offer of the model."""
    monkeypatch.setitem(models._BUILT_IN, "speaker", "tests.serve.fake_speaker:MODEL")
    return lambda **templates: Offer(ServeOptions(model="speaker", values={}, state=tmp_path, templates=templates))


def test_a_job_of_other_weights_is_not_taken(offered):
    offer = offered()
    assert offer.takes({"text", "voice"}, {"share"})
    assert not offer.takes({"text"}, ())
    offer.leave_out(frozenset({"voice", "share"}))
    assert offer.takes({"text"}, {"pace"})
    assert not offer.takes({"text", "voice"}, ())
    assert not offer.takes({"text"}, {"share"})


def test_a_template_that_nothing_is_left_for(offered):
    offer = offered(her=Path("her.wav"))
    assert offer.spoken_to is None, "a text is no speech to say with a template's face"
    offer.leave_out(frozenset({"share"}))
    with pytest.raises(ConfigError, match="--template: speaker takes none, or not with these weights"):
        offer.leave_out(frozenset({"voice"}))
