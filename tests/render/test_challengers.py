"""Many compared runs: rows, ranked by one metric, with what differs beside it."""

from __future__ import annotations

import json
import math
from typing import Any

from expctl.analysis.comparison import Evidence, compare
from expctl.analysis.difference import Difference
from expctl.analysis.significance import Assessment
from expctl.records import RunRecord
from expctl.render.challengers import challengers_sheet
from expctl.render.formats import as_json, as_markdown, parts, plain_table
from expctl.render.sheet import Change, Sheet
from tests.render.run_records import keys, run

TESTS = ["low", "high", "p_value", "verdict"]


def many(*runs: RunRecord, metric: str = "f1_score", every: bool = False, **options: Any) -> Sheet:
    comparison = compare(runs, [Evidence()] * len(runs), metric=None if every else metric, **options)
    better = Assessment({"f1_score": Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.0001)})
    return challengers_sheet(comparison, [better, *[Assessment()] * (len(runs) - 2)], metric)


def of(number: int, f1: float | None, **changes: Any) -> RunRecord:
    metrics = {} if f1 is None else {"f1_score": f1, "log_loss": 1 - f1}
    return run(number, **{"metrics": metrics, "params": {"c": f"{number}.0", "model": "logreg"}, **changes})


def test_challengers_are_ranked_below_the_baseline_with_change_limits_and_verdict() -> None:
    sheet = many(of(1, 0.8), of(2, 0.9), of(3, None), of(4, 0.7), of(5, math.nan), of(6, 0.95))
    assert keys(sheet) == ["name", "f1_score", "change", *TESTS, "run_id", "params.c"]
    assert [row[0] for row in sheet.rows] == ["run-1", "run-6", "run-2", "run-4", "run-3", "run-5"]
    assert list(sheet.rows[0][1:3]) == [0.8, None]
    assert list(sheet.rows[2][2:7]) == [Change(0.9 - 0.8, True), Change(0.05), Change(0.15), 0.0001, "better"]
    assert [row["params.c"] for row in json.loads(as_json(sheet))["rows"]] == [1.0, 6.0, 2.0, 4.0, 3.0, 5.0]
    assert len(sheet.ids) == 6


def test_a_metric_of_which_less_is_better_ranks_upwards() -> None:
    sheet = many(of(1, 0.8), of(2, 0.9), of(3, 0.7), of(4, 0.95), metric="log_loss")
    assert [row[0] for row in sheet.rows] == ["run-1", "run-4", "run-2", "run-3"]


def test_a_terminal_leaves_out_limits_and_ids_before_parameters() -> None:
    """In 80 columns p, the verdict and what was tried are to be seen."""
    sheet = many(of(1, 0.8), of(2, 0.9), of(3, 0.7), of(4, 0.95))
    spare = {column.key: column.spare for column in sheet.columns if column.spare}
    assert spare == {"low": 2, "high": 2, "run_id": 2, "params.c": 1}


def test_more_metrics_are_a_section_each_the_asked_one_first() -> None:
    sheet = many(of(1, 0.8), of(2, 0.9), of(3, 0.7), of(4, 0.95), every=True, metric="log_loss")
    sections = parts(sheet)
    assert [title for title, _, _ in sections] == ["log_loss", "f1_score"]
    first, second = ([column.key for column in columns] for _, columns, _ in sections)
    assert ("params.c" in first, "params.c" in second) == (True, False)
    assert json.loads(as_json(sheet))["f1_score"]["run-4"]["value"] == 0.95


def test_runs_of_one_name_and_of_several_experiments_are_told_apart() -> None:
    runs = [of(i, 0.8 + i / 100, name="same", experiment="a" if i < 3 else "b") for i in range(1, 5)]
    sheet = many(*runs, experiments=True)
    assert keys(sheet)[:2] == ["experiment", "name"]
    assert "00000004 same" in plain_table(sheet)


def test_as_a_comment_the_best_challenger_is_the_line() -> None:
    text = as_markdown(many(of(1, 0.8), of(2, 0.9), of(3, 0.7), of(4, 0.75)))
    assert text.startswith("**run-2 (the best of 3) is better than run-1: f1\\_score 0.8000 → 0.9000")
    assert text.count("\n| ") == 6
    assert text.endswith("Next: `expctl report 00000001 00000002 00000003 00000004`\n")
