"""Splitting loses nothing, whatever the text, its blocks and what is to fit."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.text.sentences import LONGEST_SENTENCE, Piece, split_text, split_to_fit

pytest.importorskip("sentencex")
PROSE = 'Dr. Smith paid $12.50, didn\'t he? "Who goes there?" she asked. J. R. R. Tolkien wrote it... No. 5 is here! '
TEXTS = st.text(alphabet=st.sampled_from("ab.!?…\"'(), \n\t;—日。é"), max_size=300)


@given(TEXTS, st.integers(1, 60))
def test_pieces_join_to_the_text_in_blocks_of_any_size(text, size):
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    pieces = list(split_text(blocks))
    assert "".join(piece.text for piece in pieces) == text
    assert pieces == list(split_text([text]))
    assert all(piece.text for piece in pieces)


def test_sentences_and_paragraphs():
    text = "Dr. Smith left at 5 p.m. He came\nback!\n\n“Yes.” Wait... what? See vol. 3. He did."
    assert list(split_text([text])) == [
        Piece("Dr. Smith left at 5 p.m. ", "sentence"),
        Piece("He came\nback!\n\n", "paragraph"),
        Piece("“Yes.” ", "sentence"),
        Piece("Wait... what? ", "sentence"),
        Piece("See vol. 3. ", "sentence"),  # sentencex alone ends one at vol.
        Piece("He did.", "paragraph"),
    ]


def test_fifty_thousand_words_stream_in_the_memory_of_ten_thousand():
    def peak(times):
        tracemalloc.start()
        pieces = 0
        for piece in split_text(PROSE for _ in range(times)):  # 20 words each, and no line break
            pieces += 1
            assert len(piece.text) < 60
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert pieces == 4 * times
        return held

    assert peak(2500) < 1.2 * peak(500)


@pytest.mark.parametrize("text", ["word " * 50_000, "x" * 50_000, "(“" * 5000, "a\n" * 5000], ids=lambda text: text[:3])
def test_text_without_sentences_is_cut(text):
    pieces = list(split_text([text]))
    assert "".join(piece.text for piece in pieces) == text
    assert max(len(piece.text) for piece in pieces) <= LONGEST_SENTENCE
    assert pieces[0].ends == "cut"
    assert pieces[-1].ends == "paragraph"
    if text.startswith("word"):
        assert all(piece.text.endswith(" ") for piece in pieces)


@given(TEXTS, st.integers(1, 50))
def test_what_is_split_fits_and_joins(text, longest):
    pieces = list(split_to_fit(text, len, longest))
    assert "".join(pieces) == text
    assert max(map(len, pieces), default=0) <= longest


def test_what_is_too_long_is_split_at_clauses_first():
    assert list(split_to_fit("One, two; three, four.", len, 12)) == ["One, two; ", "three, four."]
    assert list(split_to_fit("One two three four", len, 9)) == ["One two ", "three ", "four"]
    assert list(split_to_fit("Short. Enough.", len, 20)) == ["Short. Enough."]
