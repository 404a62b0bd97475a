"""Large stores for the benchmark, written in bulk past MLflow, which would take hours."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl.settings import Settings
from expctl.tracking.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETERS = (
    "model", "c", "max_features", "max_iter", "ngram_max", "min_df", "max_df", "analyzer", "random_state", "test_size",
    "stratify", "data_hash",
)  # fmt: skip
METRICS = ("f1_score", "accuracy", "precision", "recall", "roc_auc", "log_loss", "fit_seconds")
TAGS = ("mlflow.runName", "mlflow.user", "mlflow.source.name", "team", "git_commit", "expctl.version", "developer")
VALUES = ("0.1", "1.0", "10.0", "5000", "logreg")
START = 1_700_000_000_000


def make_store(path: Path, runs: int) -> None:
    """An SQLite store with one experiment of so many runs: 12 parameters, 7 metrics and 7 tags each."""
    store = open_store(Settings(tracking_uri=f"sqlite:///{path}"), create=True)
    experiment = int(store.ensure_experiment())
    files = store.client.get_experiment(str(experiment)).artifact_location
    with closing(sqlite3.connect(path)) as database, database:
        for table, columns, rows in (
            ("runs", "run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,"
             " experiment_id, source_type, source_name, entry_point_name", _runs(runs, files, experiment)),
            ("params", "run_uuid, key, value", _params(runs)),
            ("metrics", "run_uuid, key, value, timestamp, step, is_nan", _metrics(runs)),
            ("latest_metrics", "run_uuid, key, value, timestamp, step, is_nan", _metrics(runs)),
            ("tags", "run_uuid, key, value", _tags(runs)),
        ):  # fmt: skip
            marks = ", ".join("?" * (columns.count(",") + 1))
            database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def _ids(runs: int) -> Iterator[tuple[int, str, random.Random]]:
    source = random.Random(1)
    for i in range(runs):
        yield i, f"{source.getrandbits(128):032x}", random.Random(i)


def _runs(runs: int, files: str, experiment: int) -> Iterator[tuple[Any, ...]]:
    for i, run_id, _ in _ids(runs):
        started = START + 60_000 * i
        uri = f"{files}/{run_id}/artifacts"
        status = "FAILED" if i % 20 == 0 else "FINISHED"
        yield run_id, f"run-{i}", "ada", status, started, started + 900, "active", uri, experiment, "LOCAL", "x", ""


def _params(runs: int) -> Iterator[tuple[Any, ...]]:
    for _, run_id, source in _ids(runs):
        yield from ((run_id, key, source.choice(VALUES)) for key in PARAMETERS)


def _metrics(runs: int) -> Iterator[tuple[Any, ...]]:
    for i, run_id, source in _ids(runs):
        yield from ((run_id, key, source.random(), START + 60_000 * i, 0, False) for key in METRICS)


def _tags(runs: int) -> Iterator[tuple[Any, ...]]:
    for i, run_id, _ in _ids(runs):
        yield from ((run_id, key, f"run-{i}" if key == "mlflow.runName" else f"v{i % 50}") for key in TAGS)


if __name__ == "__main__":
    make_store(Path(sys.argv[1]), int(sys.argv[2]))
