"""Regressions beside classifications in one store: each is ranked, compared, kept and promoted by its own metric."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
