"""The recipe of LawDNet and DINet, as a user starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.shell import shell

RECIPE = Path(__file__).parents[2] / "recipes" / "lawdnet"
STAGES = ("sync", "frame64", "frame128", "frame256", "clip256")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "my videos"
    made = shell("tk-demo-data", "--clips", 3, "--seconds", 3.2, "--size", 192, folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("model", ["lawdnet", "dinet"])
def test_the_configurations_are_those_of_the_stages(model, tmp_path):
    for stage in STAGES:
        config = RECIPE / "conf" / model / f"{stage}.yaml"
        done = shell("tk-train", model, "--stage", stage, "--config", config, "--print-config", cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def make(*settings, videos, work):
    done = shell("make", "-n", "-C", RECIPE, f"DATA={videos}", f"WORK={work}", *settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\\\n", " ")


def test_make_trains_measures_and_draws_as_run_sh_does(tmp_path):
    (tmp_path / "a.mp4").touch()
    work = tmp_path / "work"
    published = make(videos=tmp_path, work=work)
    for stage in STAGES:
        assert f"--config conf/lawdnet/{stage}.yaml" in published
        assert f"tk-plot {work}/runs/{stage}/metrics.csv {work}/report/{stage}.png" in published
    for tool in ("tk-infer lawdnet", "tk-eval-video --pairs", "tk-report --title"):
        assert tool in published
    tiny = make("PRESET=tiny", videos=tmp_path, work=work)
    assert ("--preset tiny" in tiny, "--config" in tiny) == (True, False)
    mine = make("PRESET=tiny", f"CONFIG={tmp_path / 'conf'}", videos=tmp_path, work=work)
    assert all(f"--preset tiny --config {tmp_path / 'conf'}/{stage}.yaml" in mine for stage in STAGES)


def test_the_division_has_the_seed_that_its_advice_names(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    names = [f"{number}.face.h5" for number in range(12)]
    (work / "faces.txt").write_text("\n".join(names) + "\n")
    divided = []
    for seed in (0, 1):
        done = shell(RECIPE / "run.sh", "--stage", 3, "--stop-stage", 3, "--seed", seed, tmp_path, work, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        divided.append((work / "lists" / "val.txt").read_text())
    assert divided[0] != divided[1]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lawdnet", "dinet"])
def test_whole_recipe_from_videos_to_a_measured_dub(model, videos, tmp_path):
    """So few steps that nothing is learnt: it is about every stage finding its files."""
    config, work = tmp_path / "conf", tmp_path / "work"
    config.mkdir()
    for stage in STAGES:
        (config / f"{stage}.yaml").write_text(
            "max_steps: 2\nvalidate_every: 2\ncheckpoint_every: 2\nbatch_size: 1\nval_items_per_clip: 1\nwidth: 0.125\n"
            + ("" if stage == "sync" else "epoch_steps: 2\n")
        )
    settings = ("--preset", "tiny", "--model", model, "--config", config, "--workers", 1, "--crop", 160)
    done = shell(RECIPE / "run.sh", *settings, videos, work)
    assert done.returncode == 0, done.stderr
    assert (work / "dubbed.mp4").stat().st_size > 0
    report = {path.name for path in (work / "report").iterdir()}
    assert {"index.html", "pictures.tsv", "dubbed.png", *(f"{stage}.png" for stage in STAGES)} <= report
    again = shell(RECIPE / "run.sh", *settings, "--stop-stage", 8, videos, work)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("finished already") == len(STAGES)
