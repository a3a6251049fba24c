"""Short English sentences from word lists: as many as one wants, rich in sounds that move the lips."""

from __future__ import annotations

import numpy as np

PEOPLE = (
    "the old baker", "my brother", "a young farmer", "the painter", "our mother", "the whole family", "a famous pilot",
    "the woman upstairs", "his father", "a good friend", "the bus driver", "somebody", "the postman", "a quiet boy",
    "everyone here", "the mayor", "her uncle", "a small bird", "the weaver", "no one we met",
)  # fmt: skip
ACTIONS = (
    "moved", "bought", "painted", "carried away", "broke", "remembered", "opened", "wrapped up", "borrowed", "saw",
    "put back", "found", "wanted", "repaired", "brought home", "watched", "gave me", "showed us", "washed", "swept",
)  # fmt: skip
KINDS = (
    "warm", "broad", "purple", "hollow", "very big", "wooden", "famous", "pale blue", "shiny", "smooth", "empty",
    "beautiful", "heavy", "round", "cheap", "open", "low", "brave", "awful", "yellow",
)  # fmt: skip
THINGS = (
    "boat", "apple pie", "window", "map of the moon", "piano", "pot of soup", "umbrella", "bowl", "football", "phone",
    "wagon", "photograph", "mirror", "wall", "pumpkin", "violin", "bag of flour", "album", "wheel", "barrel",
)  # fmt: skip
PLACES = (
    "before the bell rang", "by the shallow pool", "on Monday morning", "under the apple tree", "above the village",
    "while we waited", "for a penny", "at the end of the pier", "in the blue room", "without a word", "over the wall",
    "as we all hoped", "every summer", "behind the farm", "from Rome to Oslo", "when the music began",
)  # fmt: skip
PATTERNS = (
    "{person} {action} the {kind} {thing} {place}.",
    "{person} {action} a {thing} and {action2} the {kind} {thing2}.",
    "{place}, {person} {action} my {thing}.",
    "why was the {thing} so {kind}?",
    "{person} {action} it {place}.",
    "I believe {person} {action} the {thing}, but {person2} {action2} a {kind} one.",
    "please move the {kind} {thing} before {person} comes.",
    "oh, how {kind} that {thing} was!",
)


def make_sentence(random: np.random.Generator) -> str:
    """One sentence, drawn with `random`; the same state of `random` gives the same sentence."""

    def draw(words: tuple[str, ...]) -> str:
        return words[random.integers(len(words))]

    sentence = draw(PATTERNS).format(
        person=draw(PEOPLE), person2=draw(PEOPLE), action=draw(ACTIONS), action2=draw(ACTIONS),
        kind=draw(KINDS), thing=draw(THINGS), thing2=draw(THINGS), place=draw(PLACES),
    )  # fmt: skip
    return sentence[0].upper() + sentence[1:]
