"""`expctl learning-curve`: points on stdout, the verdict on stderr."""

from __future__ import annotations

import csv
import io

import pytest


def test_points_are_data_and_the_last_doubling_is_talk(cli, runs):
    done = cli("learning-curve", "strong", "--points", "2", "--repeats", "1", "--format", "csv")
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["rows"] for row in rows] == ["80", "160"]
    assert "plot" not in rows[0]
    assert done.stderr.startswith("expctl: from 80 to 160 rows f1_score changed by ")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 3, "no run 'nothing'"), (("strong", "--metric", "f1"), 2, "no learning curve of 'f1'"),
        (("strong", "--points", "1"), 2, "--points"),
        (("strong", "--data", "nowhere.csv"), 5, "nowhere.csv"), (("broken",), 5, "own_models:broken"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_one_line(cli, runs, words, code, told):
    done = cli("learning-curve", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr
