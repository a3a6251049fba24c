"""Models of other packages join by entry points; one that is broken takes nothing else with it."""

import os

import pytest

BROKEN = {
    "import tk_no_such_package": "ModuleNotFoundError",
    "1 / 0": "ZeroDivisionError",
    "MODEL = (": "SyntaxError",
    "MODEL = 3": "it is no tk_tools.models.Model",
}
WORKING = """
from tk_tools.models import Model
MODEL = Model(name="other", summary="A model of another package.", stages=(), inference="", inference_options="")
"""


@pytest.fixture
def with_package(installed, tmp_path):
    """Run a tool where a package with the model `other` is installed."""
    information = tmp_path / "other-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[tk_tools.models]\nother = tk_other:MODEL\n")

    def call(code, tool, *arguments):
        (tmp_path / "tk_other.py").write_text(code)
        return installed(tool, *arguments, env=os.environ | {"PYTHONPATH": str(tmp_path)})

    return call


@pytest.mark.parametrize("tool", ["tk-train", "tk-infer"])
def test_a_model_of_another_package_is_listed(with_package, tool):
    ran = with_package(WORKING, tool, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "A model of another package." in ran.out


@pytest.mark.parametrize("tool", ["tk-train", "tk-infer"])
@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_one_is_one_line_and_the_rest_works(with_package, tool, code):
    ran = with_package(code, tool, "--help")
    assert ran.code == 0
    assert "wav2lip" in ran.out
    (told,) = ran.err.splitlines()
    assert told.startswith(f"{tool}: the model other of another package (tk_other:MODEL) cannot be loaded: ")
    assert BROKEN[code] in told
    assert with_package(code, tool, "wav2lip", "--help").err == ""
    asked_for = with_package(code, tool, "other", "--help")
    assert (asked_for.code, asked_for.err) == (1, told + "\n")
