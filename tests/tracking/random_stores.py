"""Random stores for the readers to agree on: runs as nobody would log them, written straight into MLflow's tables."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from expctl.filters.evaluate import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

KEYS: Final = ("c", "f1_score", "a b", "x.y", "it's", 'say "no"', "both ' and \"", "日本", "a/b", "a-b", "has", "%_")
TEXTS: Final = (
    "", "1", "1.0", "01", "10", "-2.5", "1e-3", "inf", "nan", "None", "True", "it's", 'say "no"', "both ' and \"",
    "a%b", "a_b", "A_B", "\\", "日本 👍", "É", "é", "x" * 300, "two\nlines", " ", "and", "9007199254740993",
)  # fmt: skip
NUMBERS: Final = (
    0.0, -0.0, 0.5, 1.0, 1.0, -2.5, 1e-3, 10.0, 1e300, 0.1 + 0.2, 5e-324, math.inf, -math.inf, math.nan, math.nan,
    math.nan, math.nan,
)  # fmt: skip
STATUSES: Final = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
CONTEXTS: Final = (None, "training", "eval's")

# Two keys are in most runs and questions: what is asked of a key that no run has shows no difference.
keys = st.sampled_from(KEYS[:2] * 8 + KEYS)
texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS) | st.floats(-10, 10)
times = st.sampled_from([1_000, 1_001, 1_700_000_000_000, 1_700_000_000_001, 1_700_000_100_000])


@dataclass(frozen=True)
class MadeRun:
    """What is written of a run."""

    name: str | None
    status: str
    start: int
    end: int | None
    deleted: bool
    experiment: int
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple[str, str, str | None]] = field(default_factory=list)


made_runs = st.builds(
    MadeRun,
    name=st.none() | texts,
    status=st.sampled_from(STATUSES),
    start=times,
    end=st.none() | times,
    deleted=st.integers(0, 4).map(lambda n: n == 0),
    experiment=st.sampled_from([1, 1, 1, 2]),
    params=st.dictionaries(keys, texts, max_size=4),
    metrics=st.dictionaries(keys, numbers, max_size=4),
    tags=st.dictionaries(keys, texts, max_size=4),
    datasets=st.lists(
        st.tuples(st.sampled_from(["train", "日本"]), st.sampled_from(["d1", "d'2"]), st.sampled_from(CONTEXTS)),
        max_size=2,
        unique_by=lambda one: one[:2],
    ),
)
stores = st.lists(made_runs, min_size=2, max_size=7) | st.lists(made_runs, max_size=7)


def id_of(i: int) -> str:
    """The id of the run that is written as number `i`: in another order than that."""
    return f"{i * 7919 % 9973:032x}"


def rewrite(path: Path, runs: list[MadeRun]) -> None:
    """Make these the runs of a store, in the experiments 1 and 2, whatever was in it."""
    with closing(sqlite3.connect(path)) as database, database:
        for table in ("params", "metrics", "latest_metrics", "tags", "runs", "inputs", "input_tags", "datasets"):
            database.execute(f"DELETE FROM {table}")
        for number in (1, 2):
            database.execute(
                "INSERT OR IGNORE INTO experiments (experiment_id, name, artifact_location, lifecycle_stage)"
                " VALUES (?, ?, '/nowhere', 'active')",
                (number, f"number {number}"),
            )
        for i, run in enumerate(runs):
            _write(database, id_of(i), run)


def _write(database: sqlite3.Connection, run_id: str, run: MadeRun) -> None:
    stage = "deleted" if run.deleted else "active"
    database.execute(
        "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,"
        " experiment_id) VALUES (?, ?, 'ada', ?, ?, ?, ?, ?, ?)",
        (run_id, run.name, run.status, run.start, run.end, stage, f"file:///nowhere/{run_id}", run.experiment),
    )
    tags = run.tags if run.name is None else {**run.tags, "mlflow.runName": run.name}
    for table, values in (("params", run.params), ("tags", tags)):
        database.executemany(
            f"INSERT INTO {table} (run_uuid, key, value) VALUES (?, ?, ?)",
            [(run_id, key, value) for key, value in values.items()],
        )
    for key, value in run.metrics.items():
        nan = math.isnan(value)
        row = (run_id, key, 0.0 if nan else max(-LARGEST, min(LARGEST, value)), nan)
        for table in ("metrics", "latest_metrics"):
            database.execute(
                f"INSERT INTO {table} (run_uuid, key, value, is_nan, timestamp, step) VALUES (?, ?, ?, ?, 5, 0)", row
            )
    for name, digest, context in run.datasets:
        uuid, link = f"{run.experiment}-{name}-{digest}", f"{run_id[-4:]}-{name}-{digest}"
        database.execute(
            "INSERT OR IGNORE INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type,"
            " dataset_source) VALUES (?, ?, ?, ?, 'local', '{}')",
            (uuid, run.experiment, name, digest),
        )
        database.execute(
            "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id)"
            " VALUES (?, 'DATASET', ?, 'RUN', ?)",
            (link, uuid, run_id),
        )
        if context is not None:
            database.execute("INSERT INTO input_tags VALUES (?, 'mlflow.data.context', ?)", (link, context))
