"""What is filled into a command line, and what is left alone."""

from __future__ import annotations

import pytest

from expctl.programs.placeholders import filled, placeholders


@pytest.mark.parametrize(
    ("word", "at_a_point", "in_a_run"),
    [
        ("{lr}", "0.1", "{lr}"),
        ("a{learning-rate}b", "a3b", "a{learning-rate}b"),
        ('{"a":{"b":{lr}}}', '{"a":{"b":0.1}}', '{"a":{"b":{lr}}}'),
        ("{{lr}}", "{lr}", "{{lr}}"),
        ("${{HOME}}", "${HOME}", "${{HOME}}"),
        ("{run_id}", "{run_id}", "abc"),
        ("{{run_id}}", "{{run_id}}", "{run_id}"),
        ("{} { lr } {1}", "{} { lr } {1}", "{} { lr } {1}"),
    ],
)
def test_names_in_braces_are_filled_and_other_braces_left(word, at_a_point, in_a_run):
    assert filled([word], {"lr": "0.1", "learning_rate": "3"}, others=True) == (at_a_point,)
    assert filled([word], {"run_id": "abc"}, others=False) == (in_a_run,)


def test_names_are_told_once_and_by_their_keys():
    assert placeholders(["{lr}", "x{learning-rate}{lr}", "{{HOME}}", "{1}"]) == ["lr", "learning_rate"]
