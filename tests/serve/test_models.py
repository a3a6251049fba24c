"""The models of the box behind the service: what their clients send, and what comes back."""

from dataclasses import replace

import click
import pytest

from tests.audio.voices import voice
from tests.dubbing.talking import write_checkpoint as write_dubber
from tests.media import H264, write_clip
from tests.models.diffvc.drawn import small_diffvc, write_published, write_voice, write_weights
from tests.models.styletts2.drawn import BERT, MANY_VOICES, ONE_VOICE, small
from tests.models.styletts2.drawn import write_published as write_speaker
from tests.models.wav2lip.talking import write_checkpoint, write_face, write_sound
from tests.serve.test_synchronous import ROUTES
from tk_tools.errors import ConfigError
from tk_tools.face.crop import CropOptions, crop_faces
from tk_tools.files.made_from import is_marked_synthetic
from tk_tools.files.media import probe
from tk_tools.files.wav import write_wav
from tk_tools.models import get_model, load
from tk_tools.serve.offer import model_params
from tk_tools.serve.work import Order, make_result


def test_wav2lip(start, tmp_path):
    speech = write_sound(tmp_path / "speech.wav", 0.6)
    face = write_face(tmp_path / "face.mp4", frames=10)
    faceless = write_clip(tmp_path / "none.mp4", frames=5, sound=None, options=H264)
    crop_faces(face, tmp_path / "found.face.h5", CropOptions())
    checkpoint = write_checkpoint(tmp_path / "small.safetensors")
    served = start(
        "--device", "cpu", "--max-seconds", "20",
        "--template", tmp_path / "found.face.h5",
        model=("--model", "wav2lip", "--checkpoint", checkpoint, "--template", f"her={face}"),
    )  # fmt: skip
    facts = served.ask("GET", "/service").json()
    assert [one["field"] for one in facts["uploads"]] == ["face", "speech"]
    assert {one["name"]: one["default"] for one in facts["options"]} == {
        "on_short_video": "loop",
        "feather": 0.08,
        "quality": 18,
    }
    jobs = [
        served.queue(speech=speech, template="her", quality="30"),
        served.queue(speech=speech, face=face, on_short_video="stop"),
        served.queue(speech=speech, template="found"),
        served.queue(speech=speech, face=faceless),
    ]
    looped, stopped, found, without = map(served.wait, jobs)
    assert [job["facts"]["frames"] for job in (looped, stopped, found)] == [15, 10, 15]
    result = tmp_path / "result.mp4"
    result.write_bytes(served.ask("GET", looped["result"]).content)
    assert is_marked_synthetic(result)
    info = probe(result)
    assert (info.frame_count, info.has_audio) == (15, True)
    assert (without["state"], "face: no face in any of its pictures" in without["error"]) == ("failed", True)


def test_lawdnet_by_jobs_and_by_its_own_routes(start, tmp_path):
    """Every way to send a speech gives the template's video as long as the speech, with its sound."""
    speech = write_sound(tmp_path / "speech.wav", 0.24)
    face = write_face(tmp_path / "anchor.mp4", frames=4)
    crop_faces(face, tmp_path / "anchor.face.h5", CropOptions(layout="lawdnet"))
    checkpoint = write_dubber(tmp_path / "small.safetensors", "lawdnet")
    model = ("--model", "lawdnet", "--checkpoint", checkpoint, "--template", tmp_path / "anchor.face.h5")
    served = start("--device", "cpu", model=model)
    refused = {name: served.send(speech=speech, **{name: value}) for name, value in (("quality", "x"), ("seed", "-1"))}
    assert {name: (answer.status_code, answer.json()["error"]) for name, answer in refused.items()} == {
        "quality": (422, "quality: 'x' is not a whole number from 0 to 51"),
        "seed": (422, "seed: '-1' is not a whole number from 0 on"),
    }
    job = served.wait(served.queue(speech=speech))
    assert (job["state"], job["error"], job["facts"]["frames"]) == ("done", "", 6)
    answers = [served.ask("GET", job["result"])]
    for route, field in ROUTES.items():
        answers.append(served.ask("POST", route, files={field: speech.read_bytes()}))
    for number, answer in enumerate(answers):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4"), answer.text
        result = tmp_path / f"result-{number}.mp4"
        result.write_bytes(answer.content)
        info = probe(result)
        assert (info.frame_count, info.has_audio) == (6, True)
        assert abs(info.duration - 0.24) <= 0.04
        assert is_marked_synthetic(result)


@pytest.mark.slow
def test_diffvc(start, tmp_path, monkeypatch):
    checkpoint = write_published(tmp_path / "vc.pt", small_diffvc())
    write_weights(tmp_path / "weights")
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path / "weights"))
    low, high = write_voice(tmp_path / "low.wav", 1.5), write_voice(tmp_path / "high.wav", 1.0, f0=220.0)
    model = ("--model", "diffvc", "--checkpoint", checkpoint, "--template", f"high={high}")
    served = start(
        "--steps", 1, "--solver", "pf", "--device", "cpu", "--weights-dir", tmp_path / "weights", model=model
    )
    assert "the sound is made by Griffin-Lim" in served.said()
    assert served.ask("GET", "/service").json()["result"] == "audio/wav"
    answer = served.ask("POST", "/jobs", files={"source": low.read_bytes()}, data={"template": "high", "seed": "3"})
    assert answer.status_code == 202, answer.text
    done = served.wait(answer.json()["id"])
    assert (done["state"], done["error"]) == ("done", "")
    result = tmp_path / "result.wav"
    result.write_bytes(served.ask("GET", done["result"]).content)
    assert is_marked_synthetic(result)
    assert 1.4 < probe(result).duration <= 1.5
    spoken = served.ask("POST", "/generate-video", files={"audio": low.read_bytes()})
    assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/wav")


@pytest.mark.slow
def test_styletts2_of_many_voices(start, tmp_path):
    pytest.importorskip("phonemizer")
    checkpoint = write_speaker(tmp_path / "many.pth", small(replace(MANY_VOICES, bert=replace(BERT, positions=120))))
    write_wav(tmp_path / "her.wav", [voice(24000, seconds=2)], 24000)
    write_wav(tmp_path / "short.wav", [voice(24000, seconds=0.3)], 24000)
    her, short = (tmp_path / name for name in ("her.wav", "short.wav"))
    model = ("--model", "styletts2", "--checkpoint", checkpoint, "--template", her, "--pause", 0.1)
    served = start("--device", "cpu", model=model)

    def send(text, voice=None, **fields):
        files = {"text": (None, text)} | ({"voice": voice.read_bytes()} if voice else {})
        return served.ask("POST", "/jobs", files=files, data=fields)

    refused = {
        "language": send("Say this.", template="her", language="qq"),
        "voice": send("Say this."),
        "text": send("...", template="her"),
    }
    assert {name: answer.status_code for name, answer in refused.items()} == dict.fromkeys(refused, 422)
    assert "text: holds marks alone" in refused["text"].json()["error"]
    assert "espeak-ng has no voice for 'qq'" in refused["language"].json()["error"]
    assert "the field voice is missing" in refused["voice"].json()["error"]
    jobs = [
        send("Say this for me. And then say that as well, if you please.", template="her"),
        send("Sagen Sie das bitte.", her, language="de", alpha="0", beta="0", steps="3", seed="1", guidance="2"),
        send("Say this.", short),
    ]
    assert [job.status_code for job in jobs] == [202] * 3
    two, german, too_short = (served.wait(job.json()["id"]) for job in jobs)
    assert [(job["state"], job["error"], job["facts"]["sentences"]) for job in (two, german)] == [
        ("done", "", 2),
        ("done", "", 1),
    ]
    result = tmp_path / "result.wav"
    result.write_bytes(served.ask("GET", two["result"]).content)
    assert is_marked_synthetic(result)
    assert probe(result).duration == pytest.approx(two["facts"]["seconds"], abs=1e-3)
    assert (too_short["state"], "voice: the reference has 0.30 s" in too_short["error"]) == ("failed", True)


def test_styletts2_of_one_voice_takes_a_text_alone(tmp_path):
    pytest.importorskip("phonemizer")
    checkpoint = write_speaker(tmp_path / "one.pth", small(ONE_VOICE))
    (tmp_path / "text").write_text("Say this.")  # as a field is kept
    inference = load(get_model("styletts2").inference_options)
    command = click.Command("styletts2", params=model_params(inference))
    values = command.make_context("styletts2", ["--checkpoint", str(checkpoint)]).params
    values |= {"weights_dir": None, "device": "cpu", "mark": True} | dict.fromkeys(inference.service.not_served)
    assert inference.service.check(values) is None
    assert inference.service.unused(values) == {"voice", "alpha", "beta"}
    made = make_result(Order("styletts2", (tmp_path / "text",), {}, tmp_path / "result.wav", values))
    assert (made.error, made.facts["sentences"]) == ("", 1)
    assert probe(tmp_path / "result.wav").duration == pytest.approx(made.facts["seconds"], abs=1e-3)
    with pytest.raises(ConfigError, match="--beta says how much of a reference is kept"):
        inference.service.check(values | {"beta": 0.5})
    with pytest.raises(ConfigError, match="no voice for 'qq'"):
        inference.service.check(values | {"language": "qq"})


@pytest.mark.slow
@pytest.mark.parametrize("model", ["wav2lip", "diffvc"])
def test_weights_of_another_network_are_told_before_anything_is_served(model, fails, tmp_path):
    weights = write_weights(tmp_path / "weights")
    if model == "wav2lip":
        write_published(tmp_path / "wrong", small_diffvc())
    else:
        write_checkpoint(tmp_path / "wrong.safetensors")
    (wrong,) = tmp_path.glob("wrong*")
    code, (line,) = fails(
        "--port", 0, "-q", "--device", "cpu", "--weights-dir", weights, model=("--model", model, "--checkpoint", wrong)
    )
    assert (code, line.partition(": ")[2].startswith(f"{wrong}: ")) == (1, True)
