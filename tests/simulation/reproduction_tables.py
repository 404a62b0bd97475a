"""Does every run of a table come out again? Each family on each table, trained by a sweep, reproduced in a process of
its own with another number of threads; one row a run, exit 1 if any is not identical.

    python -m tests.simulation.reproduction_tables FOLDER [--rows 400]

FOLDER holds titanic.csv, adult.csv, penguins.csv, ames.csv and diamonds.csv; the first rows of each are taken.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from expctl.training.models.families import families_of
from tests.simulation.reproduction import REVIEWS, THREADS, expctl, tell


@dataclass(frozen=True)
class Table:
    """A file with its target, and what it is trained with besides."""

    file: str
    target: str
    task: str
    words: tuple[str, ...] = ()


TABLES = (
    Table("houses.csv", "price", "regression", ("--drop", "listing,quick")),
    Table("penguins.csv", "species", "classification"),
    Table("titanic.csv", "survived", "classification", ("--drop", "name,ticket")),
    Table("ames.csv", "SalePrice", "regression", ("--drop", "Order,PID")),
    Table("adult.csv", "class", "classification"),
    Table("diamonds.csv", "price", "regression"),
)
SMALL = ("random_forest.n_estimators=20", "extra_trees.n_estimators=20", "mlp.max_iter=50", "svm.max_iter=1000")


def families(table: Table, folder: Path) -> list[str]:
    """The families that learn such a table."""
    with (folder / table.file).open(newline="", encoding="utf-8-sig") as file:
        columns = {name: "numeric" for name in next(csv.reader(file)) if name != table.target}
    return [name for name in families_of(table.task, columns) if name not in ("lightgbm", "xgboost")]


def copied(source: Path, folder: Path, rows: int) -> None:
    """The header and the first rows."""
    with source.open(newline="", encoding="utf-8-sig") as read, (folder / source.name).open("w", newline="") as write:
        csv.writer(write).writerows(row for row, _ in zip(csv.reader(read), range(rows + 1), strict=False))


def reproduced(folder: str, run: str, threads: str) -> str:
    """The verdict on a run, in a process of its own."""
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    done = expctl(folder, "reproduce", run, "--no-record", "-q", "-f", "json", **variables)
    found = json.loads(done.stdout) if done.stdout else {"verdict": done.stderr.strip(), "fitted_model": "equal"}
    same = found.get("fitted_model") == "equal"
    return str(found["verdict"]) + ("" if same else f" (model {found.get('fitted_model')})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    given = parser.parse_args()
    threads, verdicts = cycle(THREADS), []
    tell(f"{'data':14} {'model':24} {'threads':>7} {'verdict':17} {'seconds':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for table in TABLES:
            source = (REVIEWS.parent if table.file == "houses.csv" else given.data) / table.file
            copied(source, Path(folder), given.rows)
            models = families(table, Path(folder))
            words = ["--data", table.file, "--target", table.target, *table.words, "-g", f"model={','.join(models)}"]
            words += [part for one in SMALL if one.partition(".")[0] in models for part in ("-p", one)]
            swept = expctl(folder, "sweep", *words, "--run-name", table.file, "--quiet", "--format", "jsonl")
            runs = [json.loads(line) for line in swept.stdout.splitlines()]
            if len(runs) < len(models):
                tell(f"{table.file}: {len(runs)} of {len(models)} were trained: {swept.stderr.strip()[-300:]}")
            for run in runs:
                limit, started = next(threads), time.perf_counter()
                verdicts.append(reproduced(folder, run["run_id"], limit))
                seconds = time.perf_counter() - started
                tell(f"{table.file:14} {run['model']:24} {limit:>7} {verdicts[-1]:17} {seconds:7.1f}")
    identical = verdicts.count("identical")
    tell(f"{identical} of {len(verdicts)} runs were reproduced bit for bit, their models too")
    sys.exit(identical < len(verdicts))


if __name__ == "__main__":
    main()
