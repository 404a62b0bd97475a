"""What is asked of `run`, as it is written down with the run and read again."""

from __future__ import annotations

import shlex

import pytest

from expctl.errors import UsageError
from expctl.records import RunRecord, Tag
from expctl.training.data.predictions_table import PredictionColumns
from expctl.workflows.program_request import ProgramRequest

WHOLE = ProgramRequest(
    ("python", "train.py", "--lr", "0.1"),
    params={"seed": "1"},
    patterns={"loss": r"loss (\S+)"},
    artifacts=("out/*",),
    data="d.csv",
    predictions="p.csv",
    columns=PredictionColumns("truth", "guess", ("a", "b"), None),
    timeout_seconds=90,
)


def recorded(text: str) -> RunRecord:
    return RunRecord("1" * 32, "x", "finished", "1", tags={Tag.PROGRAM: text})


def test_it_is_read_again_as_it_was_asked():
    again = ProgramRequest.of(recorded(WHOLE.to_json([])))
    assert again == WHOLE
    assert shlex.split(again.line())[:2] == ["expctl", "run"]
    assert again.line().endswith("--timeout 90s -- python train.py --lr 0.1")


def test_a_secret_is_left_out_of_what_is_stored():
    request = ProgramRequest(("prog", "--token", "abc"), params={"api_key": "s3cr3t", "note": "with s3cr3t2"})
    text = request.to_json(["s3cr3t2"])
    assert ("abc" in text, "s3cr3t" in text) == (False, False)
    assert ProgramRequest.of(recorded(text)).line() == (
        "expctl run --param 'api_key=***' --param 'note=with ***' -- prog --token '***'"
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"command": "x y"}', '{"command": [1]}', "[" * 100_000])
def test_a_tag_that_somebody_has_damaged_is_refused(text):
    with pytest.raises(UsageError, match="was not made by expctl run"):
        ProgramRequest.of(recorded(text))


@pytest.mark.parametrize("columns", [{"target": "a"}, {"prediction": "a"}, {"ids": ("a",)}, {"text": "a"}])
def test_columns_are_those_of_a_file(columns):
    with pytest.raises(UsageError, match="names a column of --predictions FILE"):
        ProgramRequest(("true",), columns=PredictionColumns(**columns))
