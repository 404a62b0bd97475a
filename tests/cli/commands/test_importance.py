"""`expctl importance`: terms on stdout, or one line on stderr and the documented exit code."""

from __future__ import annotations

import csv
import io

import pytest

from tests.tracking.recorded import train


def test_terms_are_data(cli, runs):
    done = cli("importance", "strong", "--class", "positive", "--top", "2", "--format", "csv")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["class"], row["rank"]) for row in rows] == [("positive", "1"), ("positive", "2")]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 3, "no run 'nothing'"), (("strong", "--class", "x"), 2, "has no class 'x'"),
        (("coin",), 3, "dummy does not say which terms speak for a class"), (("broken",), 3, "a model of your own"),
        (("strong", "--top", "0"), 2, "--top"), (("strong", "--metric", "mcc"), 2, "--metric is of tables"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_in_one_line(cli, runs, words, code, told):
    train(runs, "coin", model="dummy")
    done = cli("importance", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr


def test_a_report_has_the_terms_of_runs_that_can_tell(cli, runs):
    assert cli("report", "strong", "bayes", "-o", "report.html").exit_code == 0
    page = (runs / "report.html").read_text()
    assert "terms that speak for it" in page
    assert "(coefficient)" in page
    assert "(log likelihood ratio)" in page
