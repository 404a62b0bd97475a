"""`expctl power`: what rows can show on stdout, what is assumed on stderr, one line for what is wrong."""

from __future__ import annotations

import json

import pytest


def test_one_run_assumes_and_says_so_two_measure(cli, runs):
    one = cli("power", "strong", "--metric", "f1_score", "--rows", "4000", "--difference", "0.05", "-f", "json")
    (row,) = json.loads(one.stdout)["rows"]
    assert (one.exit_code, row["rows"], row["difference"], row["power"] > 0.9) == (0, 4000, 0.05, True)
    assert one.stderr.startswith("expctl: assumed: ")
    two = cli("power", "weak", "bayes")
    assert (two.exit_code, two.stderr) == (0, "")
    assert two.stdout.splitlines()[3].split()[:2] == ["metric", "rows"]


def test_compare_says_it_where_nothing_is_clear(cli, runs):
    assert "expctl: f1_score: these 40 rows show a difference from 0." in cli("compare", "strong", "bayes").stderr
    assert "rows show a difference" not in cli("compare", "strong", "strong").stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 3, "no run 'nothing'"),
        (("strong", "--difference", "0"), 2, "--difference 0 must be positive"),
        (("strong", "--difference", "2"), 2, "--difference 2 is 200 points; 0.01 is one (--difference 0.02)"),
        (("strong", "--rows", "1"), 2, "--rows"),
        (("strong", "weak", "bayes"), 2, "power is of one run or two"),
        (("strong", "--metric", "nothing"), 3, "nothing is known of the variance of nothing"),
    ],
)
def test_what_is_wrong_is_one_line(cli, runs, words, code, told):
    done = cli("power", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr
