"""tk-train as a command: stages in order, configs, stdout and exit codes, signals, several processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner

from tests.train.toy import make_clips
from tk_tools import models
from tk_tools.cli import train
from tk_tools.cli._main import run as run_command
from tk_tools.errors import ConfigError
from tk_tools.models.stages import clips_of_stages
from tk_tools.train.metrics_file import read_metrics
from tk_tools.train.run_folder import RunFolder, read_weights

ROOT = Path(__file__).parents[2]
TOY = [sys.executable, "-m", "tests.train.toy_main", "toy"]


@pytest.fixture(autouse=True)
def with_toy(monkeypatch):
    monkeypatch.setitem(models._BUILT_IN, "toy", "tests.train.toy:MODEL")


@pytest.fixture
def clips(tmp_path):
    make_clips(tmp_path / "clips", 8)
    return tmp_path / "clips"


@pytest.fixture
def tk_train(monkeypatch, capfd, tmp_path):
    """Run the command in this process and in tmp_path: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as `start` has it: the last bits of a sum depend on it

    def call(*arguments):
        code = run_command(train.command, ["toy", *map(str, arguments)])
        return (code, *capfd.readouterr())

    yield call
    torch.set_num_threads(threads)


def start(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*TOY, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_all_stages_in_order(tk_train, clips, tmp_path):
    arguments = ["--preset", "tiny", "--set", "expert.max_steps=3", "--set", "seed=3", clips]
    code, out, err = tk_train(*arguments)
    assert (code, out) == (0, "runs/toy/gan/best.safetensors\n"), err
    folders = [tmp_path / "runs/toy" / name for name in ("expert", "generator", "gan")]
    steps = [read_metrics(folder / "metrics.csv")[-1]["step"] for folder in folders]
    assert steps == [3, 6, 6]
    assert '# expert: "runs/toy/expert/best.safetensors"\n# init:' in (folders[2] / "config.yaml").read_text()
    code, out, err = tk_train(*arguments)
    assert (code, out) == (0, "runs/toy/gan/best.safetensors\n")
    assert err.count("finished already") == 3


def test_one_stage_with_what_it_needs(tk_train, clips, tmp_path):
    code, out, err = tk_train("--stage", "generator", "--set", "max_steps=2", clips)
    assert code == 2
    assert "Stage generator needs --expert RUN" in err
    assert tk_train("--stage", "expert", "--set", "max_steps=2", "--out", "e", clips)[:2] == (0, "e/best.safetensors\n")
    code, out, err = tk_train(
        "--stage", "generator", "--set", "max_steps=2", "--expert", "e", "--init", "e", "--out", "g", clips
    )
    assert (code, out) == (0, "g/best.safetensors\n"), err
    code, _, err = tk_train("--stage", "generator", "--expert", "nowhere", "--out", "h", clips)
    assert code == 1
    assert "nowhere: no such run folder or file of weights" in err


def test_a_run_that_is_refused_leaves_no_folder(tk_train, clips, tmp_path):
    (tmp_path / "mine").mkdir()
    before = set(tmp_path.rglob("*"))
    for out in ("runs/new", "mine"):
        for bad in (("--init", "nowhere"), ("--set", "batch_size=0"), ("--exclude", clips)):
            code, _, _ = tk_train("--stage", "expert", *bad, "--out", out, clips)
            assert code in (1, 2)
            assert set(tmp_path.rglob("*")) == before, (out, bad)


def test_print_config_reads_back(tk_train, tmp_path):
    code, text, _ = tk_train("--stage", "gan", "--preset", "tiny", "--set", "learning_rate=1e-3", "--print-config")
    assert code == 0
    (tmp_path / "c.yaml").write_text(text)
    assert tk_train("--stage", "gan", "--config", "c.yaml", "--print-config")[1] == text
    assert yaml.safe_load(text)["learning_rate"] == 0.001
    code, text, _err = tk_train("--set", "gan.max_steps=7", "--print-config")
    (tmp_path / "all.yaml").write_text(text)
    assert tk_train("--config", "all.yaml", "--print-config")[1] == text
    assert {name: values["max_steps"] for name, values in yaml.safe_load(text).items()} == {
        "expert": 12,
        "generator": 12,
        "gan": 7,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "lerning_rate=1"], "did you mean learning_rate?"),
        (["--stage", "gan", "--set", "lerning_rate=1"], "did you mean learning_rate?"),
        (["--set", "batch_size=many"], "batch_size: must be a valid integer"),
        (["--set", "batch_size"], "give key=value"),
        (["--preset", "huge"], "known: tiny"),
        (["--stage", "none"], "'none' is not one of"),
        (["--init", "x"], "--init needs --stage"),
        (["--stage", "expert", "--expert", "x"], "has no use for --expert"),
        (["--set", "nokey=3"], "--set nokey=3: unknown key; see --print-config"),
        (["--set", "gan.devices=2"], "must be the same for all stages"),
        (["--config", "bad.yaml"], "unknown section exprt"),
    ],
)
def test_wrong_usage_is_code_2_in_one_line(tk_train, clips, tmp_path, arguments, said):
    (tmp_path / "bad.yaml").write_text("exprt:\n  max_steps: 2\n")
    code, out, err = tk_train(*arguments, clips)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_no_input_is_wrong_usage(tk_train, tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"x")
    code, _out, err = tk_train("a.mp4")
    assert code == 2
    assert "No input for stage expert, which reads .toy.txt." in err
    (tmp_path / "a.toy.txt").write_text("1")
    code, _out, err = tk_train("--stage", "expert", "--val", "a.toy.txt", "a.toy.txt")
    assert code == 2
    assert "No input is left to train stage expert on: --val took every clip." in err
    result = subprocess.run([*TOY], cwd=ROOT, input="", capture_output=True, text=True)
    assert result.returncode == 2
    assert "Standard input gave no paths." in result.stderr


def test_no_input_names_the_tool_that_makes_it():
    stage = models.get_model("styletts2").stage("finetune")
    with pytest.raises(ConfigError, match=r"No input for stage finetune, .*; tk-phonemize makes them"):
        clips_of_stages([stage], [Path("voice.wav"), Path("voice.txt")], None)


def test_a_missing_path_is_told_and_the_others_are_trained_on(tk_train, clips):
    code, out, err = tk_train("--stage", "expert", "--set", "max_steps=2", clips, "none.toy.txt")
    assert (code, out) == (1, "runs/toy/expert/best.safetensors\n")
    assert "none.toy.txt: no such file or folder" in err


def test_paths_from_standard_input_and_a_validation_list(clips, tmp_path):
    files = sorted(clips.iterdir())
    (tmp_path / "val.txt").write_text(f"{files[0]}\n{files[1]}\n")
    arguments = [
        "--stage",
        "expert",
        "--set",
        "max_steps=2",
        "--val",
        tmp_path / "val.txt",
        "--out",
        tmp_path / "run",
        "-",
    ]
    result = subprocess.run(
        [*TOY, *map(str, arguments)], cwd=ROOT, input="".join(f"{f}\n" for f in files), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "reading paths from standard input" in result.stderr
    assert "6 clips for training, 2 for validation" in result.stderr
    assert result.stdout == f"{tmp_path}/run/best.safetensors\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_a_second_run_goes_on(tk_train, clips, tmp_path, number, code):
    shape = ["--stage", "expert", "--set", "max_steps=40", "--set", "loader_workers=2"]
    run = RunFolder(tmp_path / "run")
    with start(*shape, "--set", "pause=0.2", "--out", run.path, clips, start_new_session=True) as process:
        wait_for(lambda: run.metrics.exists() and len(run.metrics.read_text().splitlines()) > 1)
        os.killpg(process.pid, number)  # as a terminal and Slurm do: loader workers hear it too
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), err
    assert "all is saved; run again to go on" in err
    assert "Traceback" not in err
    stopped = max(run.list_checkpoints())
    assert 3 <= stopped < 40
    code, out, err = tk_train(*shape, "--out", run.path, clips)
    assert (code, out) == (0, f"{run.best}\n")
    assert f"going on from step {stopped}" in err
    tk_train(*shape, "--out", tmp_path / "unbroken", clips)
    assert run.metrics.read_text() == (tmp_path / "unbroken/metrics.csv").read_text()


def test_a_loss_that_is_not_finite_is_code_1(tk_train, clips, tmp_path):
    code, out, err = tk_train("--stage", "expert", "--set", "nan_at=6", "--out", tmp_path / "run", clips)
    assert (code, out) == (1, "")
    assert "loss l1 is nan at step 6; the last good checkpoint is" in err
    assert "Traceback" not in err


def test_killed_and_run_again(tk_train, clips, tmp_path):
    shape = ["--stage", "expert", "--set", "loader_workers=1", clips]
    run = RunFolder(tmp_path / "run")
    with start("--set", "pause=0.1", "--out", run.path, *shape) as process:
        wait_for(lambda: 8 in run.list_checkpoints())
        process.kill()
    with start("--out", run.path, *shape) as process:
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    with start("--out", tmp_path / "unbroken", *shape) as process:
        process.communicate(timeout=60)
    assert run.metrics.read_text() == (tmp_path / "unbroken/metrics.csv").read_text()
    assert sorted(path.name for path in run.path.rglob(".tk-*")) == []


def test_a_killed_loader_worker_loses_nothing(clips, tmp_path):
    run = RunFolder(tmp_path / "run")
    shape = ["--stage", "expert", "--set", "max_steps=100", "--set", "pause=0.2", "--set", "loader_workers=1"]
    with start(
        *shape, "--set", "checkpoint_every=100", "--set", "validate_every=100", "--out", run.path, clips
    ) as process:
        wait_for(lambda: run.metrics.exists() and len(run.metrics.read_text().splitlines()) > 1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, ""), err
    assert "a process that loads data was killed (out of memory?); run again to go on" in err
    assert "Traceback" not in err
    assert max(run.list_checkpoints()) >= 3


def test_a_second_signal_ends_at_once(clips, tmp_path):
    run = RunFolder(tmp_path / "run")
    with start("--stage", "expert", "--set", "pause=2", "--set", "log_every=1", "--out", run.path, clips) as process:
        wait_for(lambda: run.metrics.exists() and len(run.metrics.read_text().splitlines()) > 1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, ""), err
    assert "all is saved" not in err
    assert not run.list_checkpoints()


@pytest.mark.parametrize("launcher", ["devices", pytest.param("torchrun", marks=pytest.mark.slow)])
def test_two_processes_share_the_work(clips, tmp_path, launcher):
    shape = ["--stage", "expert", "--set", "max_steps=6", "--set", "batch_size=2", "--out", tmp_path / "two", clips]
    if launcher == "devices":
        command = [*TOY, "--devices", "2", *map(str, shape)]
    else:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
        command = [sys.executable, *torchrun, *TOY[2:], *map(str, shape)]
    (tmp_path / "dump").mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOY_DUMP": str(tmp_path / "dump")}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, f"{tmp_path}/two/best.safetensors\n"), result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("7 clips for training") == 1
    assert "Initializing" not in result.stderr
    rows = read_metrics(tmp_path / "two/metrics.csv")
    assert [(row["step"], row["epoch"]) for row in rows] == [(3, 1), (5, 2), (6, 3)]
    first, second = ((tmp_path / f"dump/rank{rank}").read_text().splitlines() for rank in range(2))
    weights = [line for line in first if line.startswith("weights")]
    assert weights == [line for line in second if line.startswith("weights")]
    assert len(weights) == 2
    losses = [[float(line.split()[1]) for line in lines if line.startswith("loss")] for lines in (first, second)]
    assert losses[0] != losses[1]
    assert rows[0]["train/l1"] == pytest.approx(sum(losses[0][:3] + losses[1][:3]) / 6)


def test_two_processes_resume(clips, tmp_path):
    shape = ["--stage", "expert", "--devices", "2", "--set", "batch_size=2", clips]
    with start("--set", "signal_at=5", "--out", tmp_path / "broken", *shape) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, ""), err
    for name in ("broken", "unbroken"):
        with start("--out", tmp_path / name, *shape) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert (tmp_path / "broken/metrics.csv").read_text() == (tmp_path / "unbroken/metrics.csv").read_text()
    first, second = (read_weights(tmp_path / name / "last.safetensors")[0] for name in ("broken", "unbroken"))
    assert all((first[key] == second[key]).all() for key in first)


@pytest.mark.parametrize("values", [pytest.param(["nan_at=4"], marks=pytest.mark.slow), []])
def test_two_processes_end_together_after_a_fault(clips, tmp_path, values):
    if not values:
        (clips / "clip5.toy.txt").write_text("bad")
    sets = [part for value in values for part in ("--set", value)]
    with start("--stage", "expert", "--devices", "2", *sets, "--out", tmp_path / "run", clips) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, ""), err
    assert "Traceback" not in err
    assert ("loss l1 is nan at step 4" if values else "clip5.toy.txt: is no clip; make it again") in err


def test_help_names_the_models_and_stages():
    text = CliRunner().invoke(train.command, ["--help"]).output
    assert "wav2lip" in text
    text = CliRunner().invoke(train.command, ["toy", "--help"]).output
    for word in ("--expert", "--init", "--stage", "--print-config", "Stages"):
        assert word in text
