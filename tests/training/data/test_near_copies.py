"""Near copies are found as a naive comparison of all pairs finds them, exact ones are left to another check."""

from __future__ import annotations

import re

import numpy as np
import pytest

from expctl.training.data import near_copies as module
from expctl.training.data.near_copies import near_copies

STORY = "we came for the quiet garden and stayed for the soup the bread and the long evening by the river"
WORDS = STORY.split()


def changed(places: int) -> str:
    """The story with so many of its last words changed, one after the other."""
    return " ".join([*WORDS[: len(WORDS) - places], *(f"other{i}" for i in range(places))])


def triples(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def test_a_few_words_changed_are_a_near_copy_and_many_are_not() -> None:
    texts = [changed(1), changed(2), changed(8), "Something else is said here, of another place and time."]
    assert near_copies(texts, [STORY]).tolist() == [True, True, False, False]


def test_case_and_punctuation_make_no_other_text() -> None:
    assert near_copies([STORY.upper() + "!!"], [STORY]).tolist() == [True]


def test_the_same_text_and_texts_of_few_words_are_no_near_copies() -> None:
    assert near_copies([STORY, "a great film", "so so so so"], [STORY, "a great film indeed"]).tolist() == [False] * 3


def test_what_is_found_is_nearly_what_comparing_all_pairs_finds() -> None:
    random = np.random.default_rng(1)
    vocabulary = [f"word{i}" for i in range(300)]
    base = [" ".join(random.choice(vocabulary, 30)) for _ in range(60)]
    texts = []
    for text in base:
        words = text.split()
        for place in random.choice(30, int(random.integers(0, 5)), replace=False):
            words[place] = f"new{place}"
        texts.append(" ".join(words))
    shares = [
        max(len(triples(a) & triples(b)) / len(triples(a) | triples(b)) if a != b else 0.0 for b in base) for a in texts
    ]
    found = near_copies(texts, base)
    sure = np.array([abs(share - module.SIMILAR) > 0.12 for share in shares])
    assert sure.sum() > 20
    assert (found == (np.array(shares) >= module.SIMILAR))[sure].all()


def test_texts_do_not_run_into_each_other() -> None:
    """The triples at the end of a text must not hold the first words of the next."""
    half = len(WORDS) // 2
    apart = [" ".join(WORDS[:half]), " ".join(WORDS[half:])]
    assert near_copies(apart, [STORY]).tolist() == [False, False]
    assert near_copies([changed(1), "a b c d e f"], [STORY]).tolist() == [True, False]


@pytest.mark.parametrize("texts", [[], ["", ""], ["?!", "one two"]])
def test_nothing_to_compare_finds_nothing(texts: list[str]) -> None:
    assert near_copies(texts, [STORY]).tolist() == [False] * len(texts)
    assert near_copies([STORY], texts).tolist() == [False]


def test_no_more_rows_are_looked_at_than_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 1)
    assert near_copies([changed(1), changed(2)], [STORY]).tolist() == [True, False]
