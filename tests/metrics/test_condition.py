"""A condition holds where plain arithmetic says so, and nothing but arithmetic gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.errors import ConfigError, TkError
from tk_tools.metrics.condition import Condition

NAMES = ("lse_d", "lse_c", "offset")


@given(lse_c=st.floats(-20, 20), offset=st.integers(-15, 15), least=st.integers(-5, 5), most=st.integers(0, 15))
def test_holds_where_arithmetic_says_so(lse_c, offset, least, most):
    row = {"lse_d": 7.0, "lse_c": lse_c, "offset": offset}
    kept = Condition(f"lse_c >= {least} and abs(offset) <= {most}", NAMES)
    assert kept(row) == (lse_c >= least and abs(offset) <= most)
    assert Condition(f"not (lse_c >= {least} and abs(offset) <= {most})", NAMES)(row) != kept(row)
    assert Condition(f"-{most} <= offset <= {most}", NAMES)(row) == (abs(offset) <= most)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lse_c >=",
        "lse_c = 3",
        "lse >= 3",
        "__import__('os').remove('x')",
        "lse_c.__class__",
        "open('x')",
        "[x for x in (1, 2)]",
        "lambda: 1",
        "(lse_c := 3)",
        "9 ** 9 ** 9 ** 9",
        "'a' * 10 ** 9",
    ],
)
def test_anything_else_is_refused_when_it_is_read(text):
    with pytest.raises(ConfigError):
        Condition(text, NAMES)


def test_a_division_by_a_measure_that_is_zero_is_told():
    kept = Condition("lse_c / (offset - 1) > 1", NAMES)
    assert kept({"lse_d": 1, "lse_c": 4, "offset": 3})
    with pytest.raises(TkError, match="cannot be worked out here"):
        kept({"lse_d": 1, "lse_c": 1, "offset": 1})


@pytest.mark.parametrize("text", ["not " * 3000 + "lse_c", "+" * 20000 + "1", "(" * 300 + "1" + ")" * 300])
def test_what_is_too_long_or_too_deep_is_told(text):
    with pytest.raises(ConfigError):
        Condition(text, ("lse_c",))
