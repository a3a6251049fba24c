"""What a cluster gives up is told by name, and the rest is done; one that lacks the package is told at once."""

import pytest

from tests.jobs import work
from tests.jobs.test_run import make_jobs, statuses
from tk_tools.errors import TkError
from tk_tools.jobs import cluster as cluster_module
from tk_tools.jobs.run import run_jobs

distributed = pytest.importorskip("distributed")


def test_an_input_that_kills_its_workers_is_given_up_and_the_next_run_does_what_is_left(tmp_path):
    """Dask gives up a task after four deaths, and now and then one that waited on the same workers."""
    jobs = make_jobs(tmp_path, ["a", "die 4", "b"])
    options = work.Options(folder=str(tmp_path / "marks"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        # forced: a result whose worker died before it could tell is made once more, and bears no provenance here
        outcomes = list(run_jobs(jobs, work.copy, options, dask=address, force=True))
        again = list(run_jobs(jobs, work.copy, options, dask=address, force=True))
    assert [outcome.job for outcome in outcomes] == jobs
    assert outcomes[1].status == "failed"
    for outcome in outcomes:
        given_up = f"{outcome.job.source}: the cluster gave it up (KilledWorker); run again"
        assert outcome.message == ("" if outcome.status == "done" else given_up)
    assert statuses(again) == ["done"] * 3


def test_a_cluster_without_the_package_is_told_before_the_first_job(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "_PACKAGE", "tk_tools_of_nobody")
    jobs = make_jobs(tmp_path, ["a"])
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        with pytest.raises(TkError, match=r"scheduler, tcp://.*: tk-tools is missing there"):
            list(run_jobs(jobs, work.copy, work.Options(), dask=address))
    assert not jobs[0].target.exists()
