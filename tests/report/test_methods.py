"""What sets measurements apart is found, in TSV as in NDJSON, and what belongs to a clip is not taken for it."""

import io
import json

import pytest

from tk_tools.cli._output import _cell
from tk_tools.report.methods import clashes_in_words, methods_of
from tk_tools.report.rows import read_tables
from tk_tools.report.systems import make_systems

PROTOCOL = {
    "window": "gaussian",
    "aligned": False,
    "lpips": None,
    "fps": 25.0,
    "beyond_ends": "left out",
    "weights": {"lpips-heads": "blake2b:ab", "arcface": "blake2b:cd"},
}
ROW = {"path": "x.mp4", "ssim": 0.5, "tool": "tk-eval-video 1", "identity_network": "dlib", "protocol": PROTOCOL}


def ndjson(*rows):
    return read_tables(io.BytesIO("\n".join(json.dumps(row, sort_keys=True) for row in rows).encode()), "t")


def tsv(*rows):
    lines = ["\t".join(ROW), *("\t".join(_cell(row.get(key)) for key in ROW) for row in rows)]
    return read_tables(io.BytesIO("\n".join(lines).encode()), "t")


def how(**parts):
    return ROW | {"protocol": PROTOCOL | parts}


def clashes(*groups):
    systems = make_systems([(name, tables) for name, tables in zip("AB", groups, strict=False)])
    return clashes_in_words(methods_of(systems), [system.name for system in systems])


@pytest.mark.parametrize("form", [ndjson, tsv])
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (how(window="uniform"), "tk-eval-video window (A: gaussian; B: uniform)"),
        (how(aligned=True), "tk-eval-video aligned (A: false; B: true)"),
        (how(weights={"arcface": "blake2b:ef"}), "tk-eval-video weights arcface (A: blake2b:cd; B: blake2b:ef)"),
        (ROW | {"identity_network": "arcface"}, "tk-eval-video identity network (A: dlib; B: arcface)"),
        (ROW | {"tool": "tk-eval-video 2"}, "tk-eval-video tool (A: tk-eval-video 1; B: tk-eval-video 2)"),
        (ROW | {"tool": "other 2"}, "tool of ssim (A: tk-eval-video; B: other)"),
    ],
)
def test_what_two_systems_do_not_have_alike(form, other, said):
    assert clashes(form(ROW), form(other)) == said


def test_one_measurement_is_the_same_in_tsv_and_in_ndjson():
    for row in (ROW, how(weights={})):
        (method,) = methods_of(make_systems([("A", tsv(row)), ("B", ndjson(row))]))
        assert method.apart == []
    assert {("tool", "tk-eval-video 1"), ("aligned", "false"), ("lpips", "none")} < {*method.common}


def test_a_part_that_only_one_of_them_states():
    without = ROW | {"protocol": {key: value for key, value in PROTOCOL.items() if key != "aligned"}}
    assert clashes(ndjson(ROW), ndjson(without)) == "tk-eval-video aligned (A: false; B: not stated)"


def test_what_is_a_clip_s_own_or_was_not_used_sets_nothing_apart():
    assert clashes(ndjson(ROW | {"lag": 0.1, "heard": "a", "left_out": {"stoi": "b"}}), ndjson(ROW | {"lag": 2})) == ""
    assert clashes(ndjson(ROW), ndjson(how(lpips="alex"), ROW | {"identity_network": None})) == "", "nothing to compare"
    assert clashes(ndjson(ROW), ndjson({"path": "x.mp4", "error": "no face"})) == ""
    lips = {"path": "x.mp4", "lse_d": 7, "tool": "tk-eval-lse 1", "protocol": {"weights": "blake2b:00"}}
    assert clashes(ndjson(ROW, lips), ndjson(ROW)) == ""


def test_rows_of_one_system():
    assert clashes(ndjson(ROW, how(window="uniform") | {"path": "y.mp4"})) == "tk-eval-video window (gaussian, uniform)"
    many = [how(window=f"w{n}") | {"path": f"{n}.mp4"} for n in range(9)]
    assert clashes(ndjson(*many)) == "tk-eval-video window (w0, w1, w2, w3 and 5 more)"


def test_a_protocol_in_words_is_one_value():
    assert clashes(ndjson(ROW | {"protocol": "by hand"}), ndjson(ROW | {"protocol": "by ear"})) == (
        "tk-eval-video protocol (A: by hand; B: by ear)"
    )
