"""Expressions over lines in a process of their own: what they find, and that none of them holds everything up."""

from __future__ import annotations

import re
import subprocess

import psutil
import pytest

from expctl.programs.matching import Matcher

ENDLESS = (re.compile("(a+)+b|(x)"), 2)


@pytest.fixture
def matcher():
    found = Matcher({"loss": (re.compile(r"(?P<step>\d+)? ?loss (\S+)"), 2), "bad": ENDLESS})
    yield found
    found.close()


def test_numbers_are_found_with_their_lines_and_steps(matcher):
    assert matcher.find([b"3 loss 0.5 loss 1e3", b"", b"loss abc", b"\xff loss inf"]) == [
        (0, "loss", 0.5, 3.0), (0, "loss", 1000.0, None), (3, "loss", float("inf"), None),
    ]  # fmt: skip
    assert matcher.find([]) == []
    assert matcher.given_up == {}


def test_an_expression_that_tries_without_end_is_given_up_and_the_others_are_not(matcher):
    found = matcher.find([b"loss 1", b"a" * 60 + b" loss 2", b"a" * 60 + b" loss 3"])
    assert ([one[2] for one in found], list(matcher.given_up)) == ([1, 2, 3], ["bad"])
    assert [one[2] for one in matcher.find([b"loss 4 " + b"a" * 60])] == [4]


def test_where_all_are_given_up_nothing_is_asked():
    matcher = Matcher({"bad": ENDLESS})
    assert matcher.find([b"a" * 60]) == []
    matcher.close()
    assert (matcher.find([b"a" * 60]), list(matcher.given_up)) == ([], ["bad"])


def test_where_there_can_be_no_process_everything_is_given_up(monkeypatch):
    def refused(*given, **named):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refused)
    matcher = Matcher({"bad": ENDLESS})
    assert (matcher.find([b"x"]), list(matcher.given_up)) == ([], ["bad"])
    matcher.close()


def test_where_its_process_is_killed_everything_is_given_up(matcher):
    psutil.Process(matcher._process.pid).kill()
    for _ in range(2):
        assert matcher.find([b"loss 1"] * 20_000) == []
    assert matcher.given_up == dict.fromkeys(["loss", "bad"], "what reads it was ended")
