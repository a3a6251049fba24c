"""Lists and texts, an utterance on each line; files of phonemes keep what they were made from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.errors import InputError
from tk_tools.files.made_from import read_provenance
from tk_tools.files.phonemes_file import read_phonemes_file, write_phonemes_file
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.utterances import Utterance, read_utterances

MADE = Provenance({"language": "en-us"}, Source("a.txt", "blake2b:00"))


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_utterances(path))


def test_a_text_has_an_utterance_on_each_line(tmp_path):
    assert read(tmp_path / "a.txt", "\ufeffOne.\r\n\n  Two | a half.\nThree.") == [
        Utterance(1, "One."),
        Utterance(3, "Two | a half."),
        Utterance(4, "Three."),
    ]


def test_a_list_has_recordings_and_speakers(tmp_path):
    assert read(tmp_path / "a.txt", "x/a.wav|One. |7\nb c.wav|Two.|her\n") == [
        Utterance(1, "One.", "x/a.wav", "7"),
        Utterance(2, "Two.", "b c.wav", "her"),
    ]
    assert read(tmp_path / "b.txt", "a.wav|One.\n") == [Utterance(1, "One.", "a.wav", "0")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a.wav|One.|0\n\nb.wav\n", "line 3 has one field; a line of a list is PATH"),
        ("a.wav|One.|0\nb.wav||0\n", "line 2 has no text"),
        ("a.wav|One.|0\n|Two.|0\n", "line 2 has no path"),
        ("a.wav|One.|0\nb.wav|Two.|\n", "line 2 has no speaker"),
        ("a.wav|One.|0\nb.wav|Two.\n", "line 2 has 2 fields, and those before have 3"),
        ("a.wav|One.|0|x\n", "line 1 has 4 fields"),
        ("LJ001|In 1984|In nineteen eighty four\n", "line 1: a speaker is one word"),
        (b"Good.\n\xff\xfeBad.\n", "line 2 is not UTF-8"),
        ("", "is empty (0 bytes)"),
        ("\n \n", "holds no text"),
        (None, "No such file"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path, content, says):
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as raised:
        list(read_utterances(path))
    assert says in str(raised.value)
    assert raised.value.path == str(path)


WORDS = st.text(alphabet="həˈɜː ,.!'", min_size=1).map(str.strip).filter(bool)


@given(st.lists(WORDS, min_size=1), st.booleans())
def test_phonemes_there_and_back(tmp_path_factory, texts, listed):
    path = tmp_path_factory.mktemp("phonemes") / "a.phonemes.txt"
    rest = ("b.wav", "3") if listed else ()
    count = write_phonemes_file(path, (Utterance(9, text, *rest) for text in texts), MADE)
    back = list(read_phonemes_file(path))
    assert count == len(texts)
    assert [said._replace(line=0) for said in back] == [Utterance(0, text, *rest) for text in texts]
    assert [said.line for said in back] == list(range(2, count + 2))
    assert read_provenance(path) == MADE


def test_lists_of_the_original_are_read_and_are_not_ours(tmp_path):
    path = tmp_path / "train_list.phonemes.txt"
    path.write_text("LJ022-0023.wav|ðɪ ˌoʊvɚwˈɛlmɪŋ .|0\n")
    assert list(read_phonemes_file(path)) == [Utterance(1, "ðɪ ˌoʊvɚwˈɛlmɪŋ .", "LJ022-0023.wav", "0")]
    assert read_provenance(path) is None


def test_nothing_half_written(tmp_path):
    def broken():
        yield Utterance(1, "ə")
        raise InputError("line 2 is bad")

    for utterances, says in ((broken(), "line 2"), (iter(()), "nothing that can be spoken")):
        with pytest.raises(InputError, match=says):
            write_phonemes_file(tmp_path / "a.phonemes.txt", utterances, MADE)
        assert list(tmp_path.iterdir()) == []


def test_faulty_lines_are_told_and_the_others_read(tmp_path):
    path, faults = tmp_path / "a.txt", []
    path.write_bytes(b"a.wav|One.|0\nb.wav\nc.wav||0\n\xff|x|0\nd.wav|Two.|0\n")
    found = list(read_utterances(path, failed=faults.append))
    assert [utterance.line for utterance in found] == [1, 5]
    assert [str(fault).split("; ")[0].removeprefix(f"{path}: ") for fault in faults] == [
        "line 2 has one field",
        "line 3 has no text",
        "line 4 is not UTF-8 text",
    ]
