"""Lengths of time are read as they are written, and nothing else is."""

from __future__ import annotations

import pytest

from expctl.durations import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), (" 2h ", 7200), ("0s", 0)],
)
def test_a_number_with_a_letter_is_a_length_of_time_in_both_forms(text: str, seconds: int) -> None:
    assert duration(text) == duration(text, short=True) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2 days", 172800), ("1w", 604800), ("3 WEEKS", 3 * 604800), ("5 min", 300), ("1 sec", 1), ("1234567m", 74074020)],
)
def test_words_weeks_and_longer_numbers_are_of_the_long_form_only(text: str, seconds: int) -> None:
    assert duration(text) == seconds
    assert duration(text, short=True) is None


@pytest.mark.parametrize("text", ["", "h", "1.5h", "-1h", "1y", "1 fortnight", "1h30m", "2H2"])
def test_anything_else_is_none(text: str) -> None:
    assert duration(text) is duration(text, short=True) is None
