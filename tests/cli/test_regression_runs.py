"""Regressions beside classifications in one store: each is ranked, compared, kept and promoted by its own metric."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli = Callable[..., Any]


def test_the_best_of_each_task_are_kept(house_runs: Path, cli: Cli) -> None:
    done = cli("delete", "--keep-best", "1", "-y", "-q")
    assert done.exit_code == 0, done.stderr
    left = {run.name: run for run in store_of(house_runs).find()}
    assert len(left) == 2
    assert "quick" in left
    assert "flat" not in left


def test_regressions_are_ranked_and_listed_by_their_metrics(house_runs: Path, cli: Cli) -> None:
    found = json.loads(cli("best", "--metric", "rmse", "--top", "5", "-f", "json").stdout)["rows"]
    assert [row["name"] for row in found][2:] == ["flat"]
    assert found[0]["rmse"] < found[2]["rmse"]
    listed = cli("list", "--filter", "r2 > 0.5", "-f", "json")
    assert sorted(row["name"] for row in json.loads(listed.stdout)["rows"]) == ["close", "near"]


def test_regressions_are_compared_by_the_metrics_of_regression_alone(house_runs: Path, cli: Cli) -> None:
    done = cli("compare", "flat", "close")
    assert done.exit_code == 0, done.stderr
    words = done.stdout.split()
    assert "r2" in words
    assert "f1_score" not in words
    assert "better" in words


def test_a_gate_and_a_promotion_decide_by_r2(house_runs: Path, cli: Cli) -> None:
    worse = cli("gate", "flat", "--baseline", "close")
    assert (worse.exit_code, worse.stdout.splitlines()[0]) == (1, "gate: regression")
    assert "r2" in worse.stdout
    assert cli("gate", "close", "--baseline", "flat").exit_code == 0
    assert cli("promote", "flat", "houses").exit_code == 0
    promoted = cli("promote", "close", "houses", "--if-better-than", "houses@champion")
    assert promoted.exit_code == 0, promoted.stderr
    back = cli("promote", "flat", "houses", "--if-better-than", "houses@champion")
    assert back.exit_code == 1


def test_what_a_slice_may_lose_in_the_unit_of_the_target_is_to_be_said(house_runs: Path, cli: Cli) -> None:
    words = ("gate", "close", "--baseline", "flat", "--by", "town")
    refused = cli(*words, "--metric", "rmse", "--max-drop", "20000")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "what a slice may lose of rmse depends on the target (--max-drop-slice X)" in refused.stderr
    given = ("--metric", "rmse", "--max-drop", "20000", "--max-drop-slice", "20000")
    assert cli(*words, *given).exit_code == 0
    assert cli(*words).exit_code == 0


@pytest.mark.parametrize("metric", ["rmse", "mae", "median_ae", "mape"])
def test_what_may_be_lost_of_an_error_is_to_be_said(house_runs: Path, cli: Cli, metric: str) -> None:
    words = ("gate", "close", "--baseline", "flat", "--metric", metric)
    refused = cli(*words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == f"expctl: how much of {metric} may be lost depends on the target (--max-drop X)\n"
    assert cli(*words, "--max-drop", "20000").exit_code == 0


def test_the_rows_of_a_table_are_cells_and_their_targets_no_labels(house_runs: Path, cli: Cli) -> None:
    heading = cli("compare", "close", "flat", "--flips", "1").stdout.splitlines()[4].split()
    assert heading == ["kind", "row", "target", "baseline", "challenger", "change", "cells"]
    keys = json.loads(cli("compare", "close", "flat", "--flips", "1", "--format", "json").stdout)["rows"][0]
    assert list(keys) == ["kind", "row", "label", "baseline", "challenger", "change", "text"]
    lost = cli("gate", "flat", "--baseline", "close").stdout.partition("LARGER ERROR\n")[2]
    assert lost.split()[:5] == ["key", "baseline", "candidate", "target", "cells"]


def plain(path: Path, alpha: float, scaler: str) -> tuple[Any, Any]:
    """True and predicted prices of the test rows, of a pipeline of these two that is fitted by itself."""
    from sklearn.model_selection import train_test_split

    from expctl.training.data.column_kinds import decided
    from expctl.training.data.dataset import load_split
    from expctl.training.models.configure import configure
    from expctl.training.models.pipeline import build_pipeline

    given = {"data": str(path), "target": "price", "drop": "listing,quick", "test_size": 0.4}
    recipe = configure({**decided(given), "alpha": alpha, "scaler": scaler})
    split = load_split(recipe)
    rows = np.concatenate([split.train.frame.index, split.test.frame.index])
    labels = dict(zip(rows.tolist(), [*split.train.labels, *split.test.labels], strict=True))
    _, tested = train_test_split(np.arange(len(rows)), test_size=0.4, random_state=42)
    assert sorted(tested.tolist()) == sorted(split.test.frame.index.tolist())
    model = build_pipeline(recipe).fit(split.train.frame, split.train.labels)
    return np.array([labels[row] for row in split.test.frame.index]), model.predict(split.test.frame)


@pytest.mark.parametrize("metric", ["r2", "rmse"])
def test_an_explanation_of_regressions_is_what_each_training_says_by_itself(
    house_runs: Path, cli: Cli, metric: str, no_pictures: None
) -> None:
    """The path of Fawcett and Hoos: of the two factors the one that does more alone is changed first."""
    del no_pictures
    price = ("--data", "houses.csv", "--target", "price", "--drop", "listing,quick", "--test-size", "0.4")
    other = cli("train", *price, "-p", "alpha=1", "-p", "scaler=robust", "--run-name", "other", "-q")
    assert other.exit_code == 0, other.stderr
    found = {
        (alpha, scaler): value(metric, *plain(house_runs / "houses.csv", alpha, scaler))
        for alpha in (1000.0, 1.0)
        for scaler in ("standard", "robust")
    }
    start, end = found[1000.0, "standard"], found[1.0, "robust"]
    halfway = {"alpha": found[1.0, "standard"], "scaler": found[1000.0, "robust"]}
    sign = 1 if end > start else -1
    first = max(halfway, key=lambda name: sign * (halfway[name] - start))
    done = cli("explain", "flat", "other", "--metric", metric, "--format", "json", "-q")
    assert done.exit_code == 0, done.stderr
    steps = json.loads(done.stdout)["rows"]
    assert [step["factor"] for step in steps] == [first, *(halfway.keys() - {first})]
    assert [step["before"] for step in steps] == [start, halfway[first]]
    assert [step["after"] for step in steps] == [halfway[first], end]
    for step in steps:
        assert step["effect"] == pytest.approx(step["after"] - step["before"])
        assert step["low"] <= step["effect"] <= step["high"]


def value(metric: str, labels: Any, predicted: Any) -> float:
    from sklearn.metrics import r2_score, root_mean_squared_error

    return float((r2_score if metric == "r2" else root_mean_squared_error)(labels, predicted))
