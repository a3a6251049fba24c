"""--dask: the same bytes from a cluster of processes as from this one; what is wrong with a cluster is one line."""

import os
import socket

import pytest
import torch

from tests.grids import write_recording
from tests.media import write_clip
from tests.metrics.loudness import loudness_expert, make_clip
from tests.metrics.loudness import write_clip as write_face_clip

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        yield cluster


def address(cluster) -> str:
    return cluster.scheduler_address.removeprefix("tcp://")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, frames in (("a", 30), ("b", 20), ("c", 10)):
        write_clip(folder / f"{name}.mp4", frames=frames)
    (folder / "d.mp4").write_text("no video")
    return folder


def test_the_same_bytes_and_messages_as_in_one_process(installed, cluster, folder, tmp_path):
    here = installed("tk-extract-frames", "in", "here", cwd=tmp_path)
    there = installed("tk-extract-frames", "--dask", address(cluster), "in", "there", cwd=tmp_path)
    assert (there.code, there.paths) == (
        1,
        [tmp_path.joinpath("there", path.name).relative_to(tmp_path) for path in here.paths],
    )
    assert len(there.paths) == 3
    for path in here.paths:
        assert (tmp_path / path).read_bytes() == (tmp_path / "there" / path.name).read_bytes()
    bad, summary = there.err.splitlines()
    assert f"{folder / 'd.mp4'}: " in bad
    assert summary.endswith("3 done, 1 failed")
    again = installed("tk-extract-frames", "--dask", address(cluster), "in", "there", cwd=tmp_path)
    assert again.out == there.out
    assert again.err.splitlines()[-1].endswith("0 done, 3 already there, 1 failed")


def test_averages_over_a_set_are_those_of_one_process(installed, cluster, tmp_path):
    for name in ("mary/a", "mary/b", "john/a"):
        write_recording(tmp_path, name, ("sil", 0.1), ("AA", 0.2), ("S", 0.2))
    (tmp_path / "wavs" / "mary" / "c.wav").write_text("no sound")
    (tmp_path / "grids" / "mary" / "c.TextGrid").write_bytes((tmp_path / "grids/mary/a.TextGrid").read_bytes())
    here = installed("tk-align", "--textgrids", "grids", "wavs", "here", cwd=tmp_path)
    there = installed("tk-align", "--dask", address(cluster), "--textgrids", "grids", "wavs", "there", cwd=tmp_path)
    assert (here.code, there.code, len(there.paths)) == (1, 1, 3)
    for name in ("averages.phones.h5", "mary/a.avgmel.h5", "mary/b.avgmel.h5", "john/a.avgmel.h5"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_the_cluster_goes_on_and_nobody_stays_on_it(installed, cluster, folder, tmp_path):
    assert installed("tk-extract-frames", "--dask", address(cluster), folder / "c.mp4", tmp_path / "out").err == ""
    assert cluster.scheduler.status.name == "running"
    assert not [name for name in cluster.scheduler.clients if name.startswith("Client-")]


@pytest.mark.parametrize("what", ["silent", "no workers"])
def test_a_cluster_that_cannot_work_is_one_line(installed, folder, tmp_path, what):
    if what == "silent":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{free.getsockname()[1]}"
        ran = installed("tk-extract-frames", "--dask", place, folder, tmp_path / "out")
        said = f"no Dask scheduler answers at {place}"
    else:
        with distributed.LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as empty:
            ran = installed("tk-extract-frames", "--dask", address(empty), folder, tmp_path / "out")
            said = f"the Dask scheduler at {address(empty)} has no workers"
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"tk-extract-frames: {said}")
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["here", "here:", ":80", "here:port", "here:70000"])
def test_what_is_no_address_is_wrong_usage(tk, folder, tmp_path, place):
    ran = tk("tk-extract-frames", "--dask", place, folder, tmp_path / "out")
    assert ran.code == 2
    assert "is not HOST:PORT" in ran.err


def test_rows_from_a_cluster(installed, cluster, tmp_path):
    torch.save({"state_dict": loudness_expert().state_dict()}, tmp_path / "expert.pth")
    for number in range(3):
        write_face_clip(tmp_path / "in" / f"{number}.face.h5", *make_clip(number, 60, number))
    (tmp_path / "in" / "3.face.h5").write_bytes(b"")
    given = ("--expert", "expert.pth", "in")
    here = installed("tk-eval-lse", *given, cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"})
    there = installed("tk-eval-lse", "--dask", address(cluster), *given, cwd=tmp_path)
    assert here.code == there.code == 1
    assert there.out == here.out
    assert [line.split("\t")[0] for line in there.out.splitlines()[1:]] == [f"in/{n}.face.h5" for n in range(4)]


def test_made_videos_are_measured_against_references_on_a_cluster(installed, cluster, folder, tmp_path):
    (tmp_path / "real").mkdir()
    for name, frames in (("a", 30), ("b", 20), ("c", 9)):
        write_clip(tmp_path / "real" / f"{name}.mp4", frames=frames)
    (tmp_path / "pairs.tsv").write_text("in/a.mp4\treal/a.mp4\n")
    for references in (("--reference", "real", "in"), ("--pairs", "pairs.tsv")):
        given = ("--no-faces", *references)
        here = installed("tk-eval-video", *given, cwd=tmp_path)
        there = installed("tk-eval-video", "--dask", address(cluster), *given, cwd=tmp_path)
        assert there.code == here.code
        kept = [line.split("\t")[2:-1] for line in here.out.splitlines()]
        assert [line.split("\t")[2:-1] for line in there.out.splitlines()] == kept
        assert any("1\t100\t" in line for line in there.out.splitlines())
