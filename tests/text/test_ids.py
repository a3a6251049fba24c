"""Symbols and ids: the published table there and back, and what it lacks is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.text.ids import ids_to_phonemes, outside_table, phonemes_to_ids
from tk_tools.text.symbols import INDEX, SYMBOLS

IN_TABLE = [symbol for symbol in INDEX if symbol != "$"]


@given(st.text(alphabet=IN_TABLE), st.booleans())
def test_ids_there_and_back(phonemes, end):
    ids, left_out = phonemes_to_ids(phonemes, end=end)
    assert (left_out, len(ids)) == ("", len(phonemes) + 1 + end)
    assert ids[0] == 0
    assert ids[-1] == 0 or not end
    assert ids_to_phonemes(ids) == phonemes


def test_the_apostrophe_is_the_later_of_the_two_published():
    assert len(SYMBOLS) == 178
    assert [place for place, symbol in enumerate(SYMBOLS) if symbol == "'"] == [174, 176]
    assert phonemes_to_ids("'").ids == [0, 176]
    assert ids_to_phonemes([174, 176]) == "''"


def test_what_the_table_lacks_is_left_out_and_named_once():
    assert phonemes_to_ids("a(b)-c(5") == ([0, INDEX["a"], INDEX["b"], INDEX["c"]], "()-5")
    assert outside_table("həlˈoʊ , wˈɜːld !") == ""


@pytest.mark.parametrize("number", [-1, 178])
def test_there_is_no_such_id(number):
    with pytest.raises(ValueError, match="0 to 177"):
        ids_to_phonemes([0, number])
