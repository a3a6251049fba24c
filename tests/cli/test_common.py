"""What holds for every tool: quick help, no heavy imports, one line for a mistake, a second run that does nothing."""

import ctypes
import os
import resource
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.audio.recogniser_weights import write_deepspeech
from tests.audio.speaker_weights import write_ge2e
from tests.cli.conftest import SCRIPTS

TOOLS = {
    script.name: script.module for script in distribution("tk-tools").entry_points if script.group == "console_scripts"
}
HEAVY = (
    "torch",
    "cv2",
    "h5py",
    "librosa",
    "av",
    "numpy",
    "scipy",
    "pydantic",
    "lightning_fabric",
    "rich",
    "matplotlib",
    "fastapi",
)
# Tools that make one file of each input: name -> suffix of the result
FILE_TOOLS = {
    "tk-extract-frames": ".frames.h5",
    "tk-extract-audio": ".wav",
    "tk-mel": ".mel.h5",
    "tk-embed": ".embed.h5",
    "tk-feat": ".feat.h5",
    "tk-crop-face": ".face.h5",
}
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h
# The clip has no face and no voice.
MAKERS = {tool: suffix for tool, suffix in FILE_TOOLS.items() if tool not in ("tk-crop-face", "tk-embed")}


def without_roots_rights():
    """In a child: root, too, keeps to the modes of files in what it starts from here on."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "cannot give up a right of root")


def test_every_declared_tool_is_there():
    assert set(TOOLS) >= set(FILE_TOOLS) | {"tk-train", "tk-infer"}
    assert all(name.startswith("tk-") for name in TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_help_is_quick_and_useful(tool):
    best = 9.0
    for _ in range(5):  # seconds of the processor: those of the clock where nothing else runs
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([SCRIPTS / tool, "--help"], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert done.returncode == 0, done.stderr
        if best < 0.3:
            break
    assert best < 0.3
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Usage: tk")
    summary = lines[2].strip()
    assert summary[0].isupper()
    assert tool not in summary, "the first line does not name the tool"
    assert max(map(len, lines)) <= 100
    assert done.stderr == ""


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_heavy_is_imported_for_the_command_line(tool):
    code = f"import sys, {TOOLS[tool]}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("tool", TOOLS)
def test_an_unknown_option_is_wrong_usage(tk, tool):
    ran = tk(tool, "--no-such-option")
    assert ran.code == 2
    assert "--no-such-option" in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    folder = write_ge2e(tmp_path_factory.mktemp("weights"))
    write_deepspeech(folder)
    return folder


@pytest.fixture(autouse=True)
def _weights(monkeypatch, weights):
    """Those of tk-embed and tk-feat, which ask for them first."""
    monkeypatch.setenv("TK_WEIGHTS", str(weights))


@pytest.mark.parametrize("tool", FILE_TOOLS)
class TestFileTools:
    def test_no_arguments(self, tk, tool):
        ran = tk(tool)
        assert ran.code == 2
        assert "Missing operands" in ran.err
        assert ran.out == ""

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (None, "No such file"),
            (b"", "0 bytes"),
            (b"only a text\n" * 20, "not a media file"),
            (b"<!DOCTYPE html><html></html>", "not a media file"),
        ],
    )
    def test_a_bad_file_is_one_line_and_the_others_are_done(self, tk, tool, tmp_path, content, says):
        bad = tmp_path / "bad.mp4"
        if content is not None:
            bad.write_bytes(content)
        ran = tk(tool, bad, tmp_path / "out")
        assert ran.code == 1
        assert ran.out == ""
        (line,) = ran.err.splitlines()
        assert f"{tool}: {bad}: " in line
        assert says in line
        assert not (tmp_path / "out").exists() or os.listdir(tmp_path / "out") == []
        if content is not None:
            assert bad.read_bytes() == content

    def test_an_empty_folder(self, tk, tool, tmp_path):
        (tmp_path / "x.mp4").mkdir()
        ran = tk(tool, tmp_path / "x.mp4", tmp_path / "out")
        assert ran.code == 1
        assert "holds no file of the kinds" in ran.err
        assert ran.err.count("\n") == 1

    def test_an_unreadable_file(self, installed, tool, clip, tmp_path):
        clip.chmod(0)
        ran = installed(tool, clip, tmp_path / "out", preexec_fn=without_roots_rights)
        assert (ran.code, ran.out) == (1, "")
        assert "Permission denied" in ran.err
        assert ran.err.count("\n") == 1

    def test_empty_standard_input(self, tk, tool, tmp_path):
        for arguments in (("-", tmp_path / "out"), (tmp_path / "out",)):
            ran = tk(tool, *arguments)
            assert ran.code == 2
            assert "gave no paths" in ran.err
            assert not (tmp_path / "out").exists()

    def test_the_output_is_a_file(self, tk, tool, clip, tmp_path):
        (tmp_path / "out").write_text("mine")
        ran = tk(tool, clip, clip, tmp_path / "out")
        assert ran.code == 2
        assert "is a file" in ran.err
        assert (tmp_path / "out").read_text() == "mine"

    def test_a_part_of_the_output_path_is_a_file(self, tk, tool, clip, tmp_path):
        (tmp_path / "file").write_text("mine")
        ran = tk(tool, clip, tmp_path / "file" / "out")
        assert ran.code in (1, 2)
        assert len(ran.err.splitlines()) <= 4
        assert "Traceback" not in ran.err
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.parametrize(
        "option", [("--workers", "0"), ("--shard", "3/2"), ("--shard", "x"), ("--errors", "none/x")]
    )
    def test_wrong_values_end_before_anything_is_opened(self, tk, tool, clip, tmp_path, monkeypatch, option):
        monkeypatch.chdir(tmp_path)
        ran = tk(tool, *option, clip, "out")
        assert ran.code == 2
        assert option[0] in ran.err
        assert not Path("out").exists()


@pytest.mark.parametrize("tool", MAKERS)
class TestMakers:
    def test_a_result_is_printed_and_there(self, tk, tool, clip, tmp_path):
        out = tmp_path / "new" / "folder"
        ran = tk(tool, clip, out)
        assert (ran.code, ran.err) == (0, "")
        assert ran.paths == [out / f"clip{MAKERS[tool]}"]
        assert [path.name for path in out.iterdir()] == [f"clip{MAKERS[tool]}"]

    def test_one_file_to_one_file(self, tk, tool, clip, tmp_path):
        target = tmp_path / "out" / f"other{MAKERS[tool]}"
        ran = tk(tool, clip, target)
        assert (ran.code, ran.paths) == (0, [target])
        assert target.is_file()

    def test_a_second_run_does_nothing_and_force_does(self, tk, tool, clip, tmp_path):
        first = tk(tool, clip, tmp_path / "out")
        (result,) = first.paths
        content, changed = result.read_bytes(), result.stat()
        second = tk(tool, clip, tmp_path / "out")
        assert (second.code, second.out) == (0, first.out)
        assert "1 already there" in second.err
        assert result.stat().st_mtime_ns == changed.st_mtime_ns
        assert result.stat().st_ino == changed.st_ino
        forced = tk(tool, "--force", clip, tmp_path / "out")
        assert (forced.code, forced.out, forced.err) == (0, first.out, "")
        assert result.stat().st_ino != changed.st_ino
        assert result.read_bytes() == content

    def test_another_source_or_a_torn_result_is_made_again(self, tk, tool, clip, tmp_path):
        (result,) = tk(tool, clip, tmp_path / "out").paths
        content = result.read_bytes()
        if result.suffix == ".h5":
            result.write_bytes(content[: len(content) // 2])
            assert tk(tool, clip, tmp_path / "out").code == 0
            assert result.read_bytes() == content
        clip.write_bytes(clip.read_bytes() + bytes(8))
        ran = tk(tool, clip, tmp_path / "out")
        assert (ran.code, ran.paths) == (0, [result])
        told, summary = (line.split(f"{tool}: ")[1] for line in ran.err.splitlines())
        assert told.startswith(f"{result}: replaced; it was made from another {clip.name} than {clip}")
        assert summary == "1 done (1 replaced)"

    def test_the_same_bytes_with_one_worker_and_with_two(self, tk, tool, clip, tmp_path):
        folder = tmp_path / "in"
        folder.mkdir()
        for name in ("a.mp4", "b.mp4", "c.mp4"):
            (folder / name).write_bytes(clip.read_bytes())
        one = tk(tool, folder, tmp_path / "one")
        two = tk(tool, "--workers", "2", folder, tmp_path / "two")
        assert one.code == two.code == 0
        assert [path.name for path in one.paths] == [path.name for path in two.paths]
        for first, second in zip(one.paths, two.paths, strict=True):
            assert first.read_bytes() == second.read_bytes()

    def test_equal_names_in_two_folders(self, tk, tool, clip, tmp_path):
        for folder in ("x", "y"):
            (tmp_path / "in" / folder).mkdir(parents=True)
            (tmp_path / "in" / folder / "a.mp4").write_bytes(clip.read_bytes())
        searched = tk(tool, tmp_path / "in", tmp_path / "out")
        named = tk(tool, tmp_path / "in/x/a.mp4", tmp_path / "in/y/a.mp4", tmp_path / "flat")
        for ran in (searched, named):
            assert ran.code == 0
            assert len(set(ran.paths)) == 2
            assert all(path.is_file() for path in ran.paths)
        assert {path.parent.name for path in searched.paths} == {"x", "y"}

    def test_names_are_data(self, tk, tool, clip, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        names = [
            "a b.mp4",
            'it\'s "so".mp4',
            "new\nline.mp4",
            "-dash.mp4",
            "http:x.mp4",
            "100%.mp4",
            "ü.mp4",
            "a\udcff.mp4",
        ]
        for name in names:
            Path(name).write_bytes(clip.read_bytes())
        listed = b"".join(os.fsencode(name) + b"\0" for name in names)
        ran = tk(tool, "-0", "-", "out", stdin=listed)
        assert (ran.code, ran.out.count("\n")) == (0, len(names) + 1)
        assert sorted(os.listdir("out")) == sorted(name[:-4] + MAKERS[tool] for name in names)
        again = tk(tool, "--", "-dash.mp4", "dash")
        assert (again.code, again.out) == (0, f"dash/-dash{MAKERS[tool]}\n")
        assert tk(tool, "./-dash.mp4", "dot").code == 0
