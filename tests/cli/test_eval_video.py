"""tk-eval-video: equal videos are perfect, each damage shows where it should, and a pair that is none says why."""

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch

from tests.metrics.networks_drawn import write_arcface, write_i3d, write_lpips
from tests.models.wav2lip.talking import portrait, scenery
from tk_tools.files.ffmpeg import write_video
from tk_tools.files.media import probe
from tk_tools.metrics.inception import FIDInception

FRAMES = 6


def write(path, change=lambda picture: picture, *, frames=FRAMES, fps=25):
    """The portrait swaying, each picture changed, nearly without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, (change(portrait(2 * n)) for n in range(frames)), fps=Fraction(fps), quality=1)
    return path


def blurred(sigma):
    return lambda picture: cv2.GaussianBlur(picture, (0, 0), sigma)


def with_other_mouth(picture):
    picture = picture.copy()
    picture[130:175] = cv2.GaussianBlur(picture[130:175], (0, 0), 4)
    return picture


@pytest.fixture(autouse=True)
def _no_weights_of_this_machine(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    for name in ("equal", "soft", "softer", "mouth"):
        write(folder / f"{name}.mp4")
    return folder


@pytest.fixture
def measured(tk):
    def call(*arguments):
        ran = tk("tk-eval-video", "--json", *arguments)
        return ran.code, {row["path"].rpartition("/")[2]: row for row in map(json.loads, ran.out.splitlines())}, ran.err

    return call


def test_each_damage_shows_where_it_should(measured, real, tmp_path):
    changes = {"soft": blurred(0.8), "softer": blurred(2.5), "mouth": with_other_mouth}
    for name, change in changes.items():
        write(tmp_path / f"{name}.mp4", change)
    (tmp_path / "equal.mp4").write_bytes((real / "equal.mp4").read_bytes())
    code, rows, err = measured("--reference", real, tmp_path)
    assert code == 0
    equal, soft, softer, mouth = (rows[f"{name}.mp4"] for name in ("equal", "soft", "softer", "mouth"))
    assert equal["tool"].startswith("tk-eval-video ")
    assert (equal["protocol"]["window"], equal["protocol"]["face_backend"]) == ("gaussian", "dlib")
    assert equal["frames"] == equal["frames_with_face"] == FRAMES
    assert [equal[name] for name in ("ssim", "psnr", "ssim_mouth", "psnr_mouth")] == [1, 100, 1, 100]
    assert (equal["lmd"], equal["identity"]) == (0, pytest.approx(1))
    for name in ("ssim", "psnr", "ssim_mouth", "psnr_mouth"):
        assert equal[name] > soft[name] > softer[name]
    assert mouth["ssim_mouth"] < soft["ssim_mouth"]
    assert mouth["ssim"] > softer["ssim"]
    assert equal["lmd"] < softer["lmd"]
    assert softer["identity"] < equal["identity"]
    assert "4 clips: ssim" in err
    assert " to " in err


def test_one_clip_claims_no_interval_and_no_face_leaves_cells_empty(tk, real, tmp_path):
    made = write(tmp_path / "equal.mp4", lambda picture: scenery())
    ran = tk("tk-eval-video", "--reference", write(tmp_path / "real" / "equal.mp4", lambda picture: scenery()), made)
    assert ran.code == 0
    header, cells = (line.split("\t") for line in ran.out.splitlines())
    row = dict(zip(header, cells, strict=True))
    assert (row["ssim"], row["ssim_mouth"], row["lmd"], row["identity"], row["error"]) == ("1", "", "", "", "")
    assert "1 clip: ssim 1, psnr 100, cpbd 1\n" in ran.err


def test_faces_need_not_be_looked_for(measured, real):
    _, rows, _ = measured("--no-faces", "--reference", real / "soft.mp4", real / "equal.mp4")
    assert (rows["equal.mp4"]["ssim"], rows["equal.mp4"]["lmd"]) == (1, None)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: write(path, lambda picture: picture[:120, :160]), "has 160x120 pixels against 240x240 of its"),
        (lambda path: write(path, fps=30), "has 30 frames/s against 25 of its reference"),
        (lambda path: write(path, frames=FRAMES + 2), "has more pictures than its reference"),
        (lambda path: write(path, frames=FRAMES - 2), "has fewer pictures than its reference"),
    ],
    ids=["size", "rate", "longer", "shorter"],
)
def test_pairs_that_are_unlike_are_told_and_can_be_aligned(measured, real, tmp_path, make, said):
    made = make(tmp_path / "equal.mp4")
    code, rows, err = measured("--no-faces", "--reference", real, made)
    assert code == 1
    assert said in rows["equal.mp4"]["error"]
    assert said in err
    code, rows, _ = measured("--no-faces", "--align", "--reference", real, made)
    assert (code, rows["equal.mp4"]["protocol"]["aligned"]) == (0, True)
    assert rows["equal.mp4"]["frames"] == min(FRAMES, probe(made).frame_count)


def test_a_clip_without_a_reference_or_that_is_its_own_is_told_and_the_others_are_measured(measured, real, tmp_path):
    write(tmp_path / "stranger.mp4")
    (tmp_path / "soft.mp4").write_bytes((real / "soft.mp4").read_bytes())
    code, rows, err = measured("--no-faces", "--reference", real, tmp_path, real / "equal.mp4")
    assert code == 1
    assert rows["soft.mp4"]["ssim"] == 1
    assert "has no reference: no stranger.* in" in rows["stranger.mp4"]["error"]
    assert "is its own reference" in rows["equal.mp4"]["error"]
    assert err.count("reference") == 2


def test_workers_give_the_same_rows(measured, real, tmp_path):
    for name in ("soft", "softer"):
        write(tmp_path / f"{name}.mp4", blurred(1.0))
    write(tmp_path / "stranger.mp4")
    one, two = (measured("--workers", count, "--reference", real, tmp_path)[:2] for count in (1, 2))
    assert one == two
    assert one[0] == 1


def test_pairs_out_of_a_list(measured, real, tmp_path):
    made = [write(tmp_path / f"made {n}.mp4") for n in range(3)]
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(
        "".join(f"{path}\t{real}/{name}.mp4\n" for path, name in zip(made, ["soft", "equal"], strict=False))
    )
    code, rows, _ = measured("--no-faces", "--pairs", pairs)
    assert (code, list(rows)) == (0, ["made 0.mp4", "made 1.mp4"])
    assert rows["made 1.mp4"]["reference"] == f"{real}/equal.mp4"
    code, rows, _ = measured("--no-faces", "--pairs", pairs, made[2])
    assert (code, rows["made 2.mp4"]["error"]) == (1, f"has no reference in {pairs}")


@pytest.mark.parametrize(("content", "said"), [("", "holds no pair"), ("a.mp4 b.mp4\n", "line 1 is not MADE, a tab")])
def test_a_list_that_is_none_is_told(tk, tmp_path, content, said):
    (tmp_path / "pairs.tsv").write_text(content)
    ran = tk("tk-eval-video", "--pairs", tmp_path / "pairs.tsv")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


@pytest.mark.parametrize(
    "arguments", [("--reference", "x.mp4", "--pairs", "x.mp4"), ("--fid",), ("--fvd",), ("--align",)], ids=" ".join
)
def test_options_that_do_not_go_together_are_wrong_usage(tk, real, monkeypatch, arguments):
    monkeypatch.chdir(real)
    (real / "equal.mp4").with_name("x.mp4").touch()
    assert tk("tk-eval-video", *arguments, real).code == 2
    (real / "x.mp4").unlink()


def test_without_references_what_needs_none_is_measured(tk, measured, real, tmp_path):
    for name, change in (("equal", lambda picture: picture), ("soft", blurred(0.8)), ("softer", blurred(2.5))):
        write(tmp_path / f"{name}.mp4", change)
    write(tmp_path / "bare.mp4", lambda picture: scenery())
    code, rows, err = measured("--summary", tmp_path / "s.json", tmp_path)
    assert code == 0
    assert rows["equal.mp4"]["cpbd"] > rows["soft.mp4"]["cpbd"] > rows["softer.mp4"]["cpbd"]
    assert [rows[f"{name}.mp4"]["frames_with_face"] for name in ("equal", "bare")] == [FRAMES, 0]
    assert "4 clips: cpbd" in err
    assert "absent" not in err
    assert "ssim" not in rows["equal.mp4"]
    assert json.loads((tmp_path / "s.json").read_text())["means"].keys() == {"cpbd"}
    _, against, _ = measured("--no-faces", "--reference", real, tmp_path / "soft.mp4")
    assert against["soft.mp4"]["cpbd"] == rows["soft.mp4"]["cpbd"]
    header = tk("tk-eval-video", "--no-faces", tmp_path / "soft.mp4").out.splitlines()[0]
    assert header.split("\t") == ["path", "frames", "frames_with_face", "cpbd", "tool", "protocol", "error"]


def test_measures_without_their_weights_are_told_once_and_the_rest_is_measured(measured, real, tmp_path):
    made = [write(tmp_path / "made" / f"{name}.mp4") for name in ("soft", "equal")]
    arguments = ("--no-faces", "--fid", "--fvd", "--summary", tmp_path / "s.json", "--reference", real)
    code, rows, err = measured(*arguments, *made)
    assert (code, rows["soft.mp4"]["ssim"], rows["soft.mp4"]["lpips"]) == (0, 1, None)
    summary = json.loads((tmp_path / "s.json").read_text())
    commands = {"lpips": "alexnet lpips-alex", "fid": "fid-inception", "fvd": "fvd-i3d"}
    assert summary["absent"].keys() == commands.keys()
    for name, command in commands.items():
        assert err.count(f"{name} is absent") == 1
        assert f"tk-weights fetch {command}" in err
        assert f"tk-weights fetch {command}" in summary["absent"][name]
    assert (summary["fid"], summary["fvd"], summary["clips"]) == (None, None, 2)
    assert summary["means"]["ssim"] == {"value": 1.0, "low": 1.0, "high": 1.0, "count": 2}


def test_lpips_and_arcface_judge_where_their_weights_are(measured, real, tmp_path):
    write_lpips(tmp_path)
    write_arcface(tmp_path)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "equal.mp4").write_bytes((real / "equal.mp4").read_bytes())
    write(tmp_path / "made" / "mouth.mp4", with_other_mouth)
    write(tmp_path / "made" / "softer.mp4", blurred(2.5))
    arguments = ("--weights-dir", tmp_path, "--reference", real, tmp_path / "made")
    code, rows, err = measured("--summary", tmp_path / "s.json", *arguments)
    assert code == 0
    assert "absent" not in err
    equal, mouth, softer = (rows[f"{name}.mp4"] for name in ("equal", "mouth", "softer"))
    assert (equal["lpips"], equal["lpips_mouth"], equal["identity"]) == (0, 0, pytest.approx(1, abs=1e-5))
    assert 0 < mouth["lpips"] < softer["lpips"]
    assert mouth["lpips_mouth"] > mouth["lpips"]
    assert (equal["identity_network"], equal["protocol"]["lpips"]) == ("arcface-r18", "alex")
    assert sorted(equal["protocol"]["weights"]) == ["alexnet", "arcface", "lpips-alex"]
    assert json.loads((tmp_path / "s.json").read_text())["absent"] == {}
    with_two = measured("--workers", 2, *arguments)[1]
    assert with_two["softer.mp4"]["lpips"] == pytest.approx(softer["lpips"], rel=1e-5)
    assert with_two["softer.mp4"]["identity_network"] == "arcface-r18"


def test_a_file_of_another_network_ends_the_run_before_the_first_clip(tk, real, tmp_path):
    features, heads = write_lpips(tmp_path)
    features.write_bytes(heads.read_bytes())
    ran = tk("tk-eval-video", "--weights-dir", tmp_path, "--reference", real, write(tmp_path / "soft.mp4"))
    assert (ran.code, ran.out) == (1, "")
    assert "holds LPIPS's heads, not AlexNet" in ran.err


def test_a_set_that_has_no_fvd_says_why_and_keeps_the_rest(measured, real, tmp_path):
    write_i3d(tmp_path)
    made = write(tmp_path / "made" / "soft.mp4")
    arguments = ("--no-faces", "--fvd", "--weights-dir", tmp_path, "--summary", tmp_path / "s.json")
    code, rows, err = measured(*arguments, "--reference", real, made)
    assert (code, rows["soft.mp4"]["ssim"]) == (1, 1)
    assert "fvd: FVD needs two runs of 16 pictures or more in each set" in err
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["fvd"], summary["means"]["ssim"]["value"]) == (None, 1)
    assert summary["weights"]["fvd-i3d"].startswith("blake2b:")


def test_a_shard_has_no_distance_of_the_set(tk, real, tmp_path):
    ran = tk("tk-eval-video", "--fid", "--shard", "1/2", "--reference", real, real)
    assert ran.code == 2
    assert "of the set as a whole" in ran.err


def test_an_empty_set_is_told(tk, real, tmp_path):
    (tmp_path / "empty").mkdir()
    made = write(tmp_path / "made" / "soft.mp4", frames=1)
    for arguments in ((tmp_path / "empty",), ("--reference", tmp_path / "empty", made)):
        ran = tk("tk-eval-video", "--summary", tmp_path / "s.json", *arguments)
        assert (ran.code, len(ran.out.splitlines()) <= 1) == (1, True)
        assert "empty: holds no file of the kinds" in ran.err


def test_fid_of_equal_sets_is_zero_and_damage_counts(measured, real, tmp_path):
    torch.manual_seed(0)
    torch.save(FIDInception().state_dict(), tmp_path / "pt_inception-2015-12-05-6726825d.pth")
    found = []
    for number, change in enumerate([lambda picture: picture, blurred(2)]):
        made = write(tmp_path / str(number) / "soft.mp4", change)
        arguments = ("--no-faces", "--fid", "--weights-dir", tmp_path, "--reference", real, made)
        assert measured("--summary", tmp_path / f"{number}.json", *arguments)[0] == 0
        found.append(json.loads((tmp_path / f"{number}.json").read_text())["fid"])
    assert found[0] == pytest.approx(0, abs=1e-2 * found[1])
    assert found[1] > 0


def test_a_summary_takes_no_other_file_s_place(tk, real, tmp_path):
    (tmp_path / "notes.json").write_text("[1]")
    ran = tk("tk-eval-video", "--summary", tmp_path / "notes.json", "--reference", real, real / "soft.mp4")
    assert (ran.code, ran.out) == (1, "")
    assert "is no summary" in ran.err
    assert (tmp_path / "notes.json").read_text() == "[1]"


def test_two_references_of_one_name_are_told(tk, real, tmp_path):
    write(tmp_path / "a" / "x.mp4", frames=1)
    write(tmp_path / "b" / "x.mp4", frames=1)
    ran = tk("tk-eval-video", "--reference", tmp_path, real)
    assert (ran.code, ran.out) == (1, "")
    assert "which is the reference of x?" in ran.err


def test_the_mean_of_pictures_is_that_of_the_library(measured, real, tmp_path):
    from tk_tools.files.video import read_frames
    from tk_tools.metrics.picture_quality import psnr, ssim

    made = write(tmp_path / "equal.mp4", blurred(1.2))
    pairs = list(zip(read_frames(made, fps=None), read_frames(real / "equal.mp4", fps=None), strict=True))
    for window in ("gaussian", "uniform"):
        _, rows, _ = measured("--no-faces", "--window", window, "--reference", real, made)
        assert rows["equal.mp4"]["ssim"] == pytest.approx(np.mean([ssim(*pair, window) for pair in pairs]))
        assert rows["equal.mp4"]["psnr"] == pytest.approx(np.mean([psnr(*pair) for pair in pairs]))
