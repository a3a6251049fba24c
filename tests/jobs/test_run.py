"""Outcomes come in the order of the jobs, as soon as they are known, and one bad file never stops the others."""

import os
import time
from pathlib import Path

import h5py
import pytest
import torch

from tests.jobs import work
from tests.media import write_click_wav, write_clip
from tk_tools.errors import InputError
from tk_tools.files.atomic import temporary_name
from tk_tools.files.extract import AudioOptions
from tk_tools.jobs.in_order import TASKS_IN_FLIGHT
from tk_tools.jobs.run import Job, explain, run_jobs

NOBODY = 2**22 + 1  # no process has this number: the system's limit is 2**22


def make_jobs(folder: Path, texts: list[str]) -> list[Job]:
    jobs = []
    for number, text in enumerate(texts):
        source = folder / f"source-{number}"
        source.write_text(text)
        (folder / "marks" / source.stem).mkdir(parents=True)
        jobs.append(Job(source=source, target=folder / "out" / f"{number}.h5"))
    return jobs


def statuses(outcomes) -> list[str]:
    return [outcome.status for outcome in outcomes]


@pytest.mark.parametrize("workers", [1, 2])
def test_one_bad_file_never_stops_the_others(tmp_path, workers):
    jobs = make_jobs(tmp_path, ["a", "bad", "b", "bug", "c"])
    jobs.append(Job(source=tmp_path / "none", target=tmp_path / "out" / "none.h5"))
    outcomes = list(run_jobs(jobs, work.copy, work.Options(), workers=workers))
    assert [outcome.job for outcome in outcomes] == jobs
    assert statuses(outcomes) == ["done", "failed", "done", "failed", "done", "failed"]
    assert outcomes[1].message == f"{jobs[1].source}: is bad"
    assert "ZeroDivisionError" in outcomes[3].message
    assert "Traceback" in outcomes[3].trace
    assert outcomes[5].message.startswith(f"{tmp_path}/none: cannot be read")
    assert sorted(os.listdir(tmp_path / "out")) == ["0.h5", "2.h5", "4.h5"]


def test_a_killed_worker_is_one_retry_or_one_failure(tmp_path):
    jobs = make_jobs(tmp_path, ["a", "die 1", "b", "die 2", "c"])
    options = work.Options(folder=str(tmp_path / "marks"))
    outcomes = list(run_jobs(jobs, work.copy, options, workers=2))
    assert statuses(outcomes) == ["done", "done", "done", "failed", "done"]
    killed = "worker was killed (signal 9), perhaps out of memory (fewer --workers take less)"
    assert outcomes[1].warning == f"{jobs[1].source}: {killed}; tried again"
    assert outcomes[3].message == f"{jobs[3].source}: {killed}; tried 2 times"
    assert sorted(os.listdir(tmp_path / "out")) == ["0.h5", "1.h5", "2.h5", "4.h5"], "no temporary is left"


def test_a_gpu_without_room_is_told_in_words():
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of ...")
    fault, trace = explain(full, Path("a.mp4"))
    assert (str(fault), trace) == ("a.mp4: not enough memory on the GPU; a shorter or smaller one takes less", "")


def test_order_is_that_of_the_jobs_whatever_takes_long(tmp_path):
    jobs = make_jobs(tmp_path, ["die 1", *"abcdefg"])
    options = work.Options(folder=str(tmp_path / "marks"), seconds=0.01)
    assert [outcome.job for outcome in run_jobs(jobs, work.copy, options, workers=2)] == jobs


def test_the_first_outcome_does_not_wait_for_the_next_job(tmp_path):
    first, second = make_jobs(tmp_path, ["a", "b"])
    told = []

    def slowly():
        yield first
        end = time.monotonic() + 20
        while not told and time.monotonic() < end:
            time.sleep(0.01)
        yield second

    for outcome in run_jobs(slowly(), work.copy, work.Options(), workers=2):
        told.append(outcome.job)
        if len(told) == 1:
            assert not second.target.exists()
    assert told == [first, second]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_window_of_jobs_is_taken_and_never_the_whole_list(tmp_path, workers):
    jobs = make_jobs(tmp_path, ["a"])
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield jobs[0]

    outcomes = run_jobs(endless(), work.copy, work.Options(), workers=workers, force=True)
    for given in range(1, 30):
        next(outcomes)
        assert taken <= given + TASKS_IN_FLIGHT * workers + 1
    outcomes.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_list_itself_ends_the_run(tmp_path, workers):
    jobs = make_jobs(tmp_path, ["a", "b"])

    def broken():
        yield from jobs
        raise InputError("the list is broken")

    told = []
    with pytest.raises(InputError, match="the list is broken"):  # noqa: PT012
        for outcome in run_jobs(broken(), work.copy, work.Options(), workers=workers):
            told.append(outcome)
    assert statuses(told) == ["done", "done"]


def test_leaving_early_leaves_no_temporary(tmp_path):
    jobs = make_jobs(tmp_path, list("abcdef"))
    outcomes = run_jobs(jobs, work.copy, work.Options(seconds=0.3), workers=2)
    next(outcomes)
    outcomes.close()
    assert all(name.endswith(".h5") and not name.startswith(".") for name in os.listdir(tmp_path / "out"))


def test_leftovers_of_dead_runs_are_swept_and_those_of_living_ones_are_not(tmp_path):
    jobs = make_jobs(tmp_path, ["a"])
    own = temporary_name(jobs[0].target)
    dead = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{NOBODY}-"))
    other_host = dead.with_name(".tk-00000000" + dead.name[len(".tk-00000000") :])
    own.parent.mkdir()
    for path in (own, dead, other_host):
        path.touch()
    assert statuses(run_jobs(jobs, work.copy, work.Options())) == ["done"]
    assert sorted(path.name for path in own.parent.iterdir()) == sorted([own.name, other_host.name, "0.h5"])


@pytest.mark.parametrize("force", [False, True])
def test_the_source_is_never_its_own_target(tmp_path, force):
    source = tmp_path / "a.wav"
    source.write_text("mine")
    (outcome,) = run_jobs([Job(source=source, target=tmp_path / "." / "a.wav")], work.copy, work.Options(), force=force)
    assert outcome.status == "failed"
    assert source.read_text() == "mine"


def test_a_users_file_is_replaced_only_by_force(tmp_path):
    (job,) = make_jobs(tmp_path, ["new"])
    target = tmp_path / "mine.wav"
    target.write_text("mine")
    job = Job(source=job.source, target=target)
    (outcome,) = run_jobs([job], work.copy, work.Options())
    assert outcome.status == "failed"
    assert "--force" in outcome.message
    assert target.read_text() == "mine"
    assert statuses(run_jobs([job], work.copy, work.Options(), force=True)) == ["done"]
    assert target.read_text() == "new"


@pytest.mark.parametrize("name", ["mine.h5", "mine.mel.h5"])
def test_a_users_hdf5_is_a_users_file_as_well(tmp_path, name):
    (job,) = make_jobs(tmp_path, ["new"])
    target = tmp_path / name
    with h5py.File(target, "w") as file:
        file["measured"] = [1, 2, 3]
    (outcome,) = run_jobs([Job(source=job.source, target=target)], work.copy, work.Options())
    assert outcome.status == "failed"
    assert "--force" in outcome.message
    with h5py.File(target) as file:
        assert list(file["measured"]) == [1, 2, 3]


def test_a_result_of_another_source_or_of_other_options_is_told_from_the_one_before(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    clips = [write_clip(tmp_path / name / "x.mp4", frames=5, sound=sound) for name, sound in (("a", 0.2), ("b", 0.3))]
    other_name = tmp_path / "y.mp4"
    other_name.write_bytes(clips[0].read_bytes())
    target, speech = tmp_path / "out" / "x.wav", write_click_wav(tmp_path / "speech.wav", 0.1)

    def run(source: Path, *also: Path, rate: int = 16000, force: bool = False) -> tuple[str, str]:
        job = Job(source=source, target=target, also=also)
        (outcome,) = run_jobs([job], work.sound_of, AudioOptions(sample_rate=rate), force=force)
        assert outcome.status == "done", outcome.message
        return outcome.replaced, outcome.warning

    assert run(clips[0]) == ("", "")
    assert run(clips[0], force=True) == ("", "")
    replaced, warning = run(clips[1])
    assert replaced == "another source"
    assert warning.startswith(f"{target}: replaced; it was made from another x.mp4 than {clips[1]}")
    assert run(clips[1], rate=8000) == ("other options", "")
    assert run(clips[1], speech, rate=8000) == ("other options", ""), "the input is the same"
    assert run(other_name, speech)[1] == f"{target}: replaced; it was made from x.mp4, not from {other_name}"
