"""What a cluster gives up is told by name, and the rest is done."""

import pytest

from tests.jobs import work
from tests.jobs.test_run import make_jobs, statuses
from tk_tools.jobs.run import run_jobs

distributed = pytest.importorskip("distributed")


def test_an_input_that_kills_its_workers_fails_alone(tmp_path):
    jobs = make_jobs(tmp_path, ["a", "die 99", "b"])
    options = work.Options(folder=str(tmp_path / "marks"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        outcomes = list(run_jobs(jobs, work.copy, options, dask=address))
    assert statuses(outcomes) == ["done", "failed", "done"]
    assert [outcome.job for outcome in outcomes] == jobs
    assert outcomes[1].message == f"{jobs[1].source}: the cluster gave it up (KilledWorker); run again"
