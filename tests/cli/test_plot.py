"""tk-plot: paths on stdout, the same bytes each time, and a fault told for what cannot be drawn."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.media import write_click_wav
from tk_tools.cli.plot import command

METRICS = "step,epoch,train/l1\n1,0,0.5\n2,0,0.4\n"


def run(*arguments, code=0):
    result = CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False, standalone_mode=False)
    assert (result.return_value or 0) == code, result.output
    return result


def test_kind_follows_from_the_file(clip, tmp_path):
    write_click_wav(tmp_path / "sound.wav")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").write_text(METRICS)
    rows = [json.loads(line) for line in run("--json", tmp_path, tmp_path / "out").stdout.splitlines()]
    assert [(Path(row["path"]).relative_to(tmp_path / "out").as_posix(), row["kind"]) for row in rows] == [
        ("clip.png", "sheet"),
        ("sound.wav.png", "waveform"),
        ("run/run.png", "training"),
    ]
    for row in rows:
        with Image.open(row["path"]) as image:
            assert image.size == (row["width"], row["height"])
            assert set(image.info) == {"Comment"}


def test_same_bytes_and_nothing_done_twice(clip, tmp_path):
    first, second = tmp_path / "a" / "sheet.png", tmp_path / "b" / "sheet.png"
    run(clip, first)
    run(clip, second)
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(run("--json", clip, first).stdout)["status"] == "current"
    assert json.loads(run("--json", "--tile", 64, clip, first).stdout)["status"] == "done"
    assert json.loads(run("--json", "--force", clip, first).stdout)["status"] == "done"
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("content", [b"not a picture", None])
def test_picture_of_the_user_is_kept(clip, tmp_path, content):
    mine = tmp_path / "mine.png"
    if content is None:
        Image.new("RGB", (8, 8)).save(mine)
    else:
        mine.write_bytes(content)
    before = mine.read_bytes()
    assert "not made by these tools" in run(clip, mine, code=1).stderr
    assert mine.read_bytes() == before


def test_plots_of_one_clip_lie_side_by_side(clip, tk, tmp_path):
    assert tk("tk-mel", clip, tmp_path).code == 0
    assert tk("tk-extract-audio", clip, tmp_path).code == 0
    assert tk("tk-extract-frames", clip, tmp_path).code == 0
    plots = tmp_path / "plots"
    shown = run(tmp_path, plots).stdout.splitlines() + run("--kind", "waveform", clip, plots).stdout.splitlines()
    names = ["clip.frames.png", "clip.mel.png", "clip.png", "clip.wav.png", "clip.waveform.png"]
    assert shown == [str(plots / name) for name in names]
    assert len({(plots / name).read_bytes() for name in names}) == len(names)


def test_kind_can_be_chosen(clip, tmp_path):
    assert json.loads(run("--json", "--kind", "waveform", clip, tmp_path / "sound.png").stdout)["kind"] == "waveform"


def test_run_folder_stands_for_its_metrics(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").write_text(METRICS)
    assert run(tmp_path / "run", tmp_path / "losses.png").stdout == f"{tmp_path / 'losses.png'}\n"
    assert run(tmp_path / "run", tmp_path / "run").stdout == f"{tmp_path / 'run' / 'run.png'}\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"text", "no plot is known for this kind of file"),
        ("a.mel.h5", b"text", "a.mel.h5: "),
        ("a.mp4", b"", "a.mp4: "),
        ("metrics.csv", b"", "holds no numbers yet"),
        ("metrics.csv", b"\xff\xfe\x00", "is no metrics.csv"),
    ],
)
def test_faults(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    result = run(tmp_path / name, tmp_path / "out", code=1)
    assert message in result.stderr
    assert "unexpected" not in result.stderr
    assert result.stdout == ""
    assert not list((tmp_path / "out").glob("*"))


def test_wrong_kind_is_a_wrong_usage(tmp_path):
    result = CliRunner().invoke(command, ["--kind", "pie", "a.wav", "a.png"])
    assert result.exit_code == 2
    assert "'mel', 'embed', 'features', 'waveform', 'training', 'sync', 'mouth', 'phones', 'sheet'" in result.output
