"""Words that agree with a number."""

from __future__ import annotations

import pytest

from expctl.wording import agree, listed, metric_text, name_words, plural


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


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.87314, "", "0.8731"),
        (99.12345, "", "99.1235"),
        (123.45678, "", "123.457"),
        (24513.7123, "", "24513.7"),
        (-264.2703, "+", "-264.270"),
        (0.00213, "+", "+0.0021"),
        (12_345_678.91, "", "12345678.9"),
        (float("nan"), "", "nan"),
        (float("inf"), "+", "+inf"),
    ],
)
def test_a_measured_number_has_four_decimals_or_six_digits(value: float, sign: str, text: str) -> None:
    assert metric_text(value, sign) == text
