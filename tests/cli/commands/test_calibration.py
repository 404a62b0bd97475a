"""`expctl calibration`: measures on stdout, what they mean on stderr; nothing is added to the run with --no-record."""

from __future__ import annotations

import json

import pytest


def test_measures_are_data_and_the_picture_is_of_the_run(cli, runs):
    done = cli("calibration", "strong", "-f", "json")
    assert (done.exit_code, json.loads(done.stdout)["test_rows"]) == (0, 40)
    assert done.stderr.count("\n") == 2
    assert "reliability.png" in cli("get", "strong").stdout
    assert cli("calibration", "weak", "--no-record", "--quiet").stderr == ""
    assert "reliability.png" not in cli("get", "weak").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [(("nothing",), 3, "no run 'nothing'"), (("broken",), 3, "has no calibration: it has no predictions")],
)
def test_what_is_wrong_is_one_line(cli, runs, words, code, told):
    done = cli("calibration", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr
