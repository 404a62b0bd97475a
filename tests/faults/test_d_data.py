"""Data that nobody expects (section D of what expctl survives); the many small cases are in tests/training."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tests.faults.bench import only_long

if TYPE_CHECKING:
    from tests.faults.bench import Bench


@pytest.mark.parametrize(
    ("rows", "labels", "columns"),
    [
        pytest.param(10_000, 10_000, 1, id="D06-10000-labels", marks=only_long),
        pytest.param(40, 2, 3_000, id="D06-3000-columns", marks=only_long),
    ],
)
def test_shapes_that_nobody_expects_are_trained_on_or_told(fresh: Bench, rows, labels, columns):
    with (fresh.folder / "wide.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", *(f"c{i}" for i in range(columns))])
        writer.writerows([f"text number {i}", f"l{i % labels}", *["x"] * columns] for i in range(rows))
    told = {"code": 5, "says": "--no-stratify"} if labels > 2 else {}
    fresh.run("train", "--data", "wide.csv", "--model", "dummy", **told)
    fresh.check()
