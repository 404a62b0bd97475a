"""Words that agree with a number."""

from __future__ import annotations

from expctl.wording import agree, listed, name_words, plural


def test_a_count_is_written_with_the_form_of_its_noun() -> None:
    assert [plural(count, "row") for count in (0, 1, 2, 2000)] == ["0 rows", "1 row", "2 rows", "2,000 rows"]
    assert [plural(count, "class", "classes") for count in (1, 2)] == ["1 class", "2 classes"]


def test_a_verb_agrees_with_a_count() -> None:
    assert [agree(count, "has", "have") for count in (0, 1, 2)] == ["have", "has", "have"]


def test_things_are_listed_with_commas_and_an_and() -> None:
    assert [listed(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_a_name_has_words_in_every_spelling():
    for name in ("MAX_TOKENS", "max-tokens", "maxTokens", "max/tokens"):
        assert name_words(name) == ["max", "tokens"]
