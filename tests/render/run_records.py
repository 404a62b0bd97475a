"""Run records that tests of sheets show, and what is read off a sheet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from expctl.records import RunRecord

if TYPE_CHECKING:
    from expctl.render.sheet import Sheet

START = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def run(number: int = 1, **changes: Any) -> RunRecord:
    given: dict[str, Any] = {
        "run_id": f"{number:08x}" * 4,
        "name": f"run-{number}",
        "status": "finished",
        "experiment_id": "1",
        "started": START + timedelta(minutes=number),
        "ended": START + timedelta(minutes=number, seconds=3),
        "params": {"model": "logreg", "c": "1.0", "max_features": "5000", "data_hash": f"hash-{number}"},
        "metrics": {"accuracy": 0.89, "f1_score": 0.88 + number / 1000},
    }
    return RunRecord(**{**given, **changes})


def keys(sheet: Sheet) -> list[str]:
    return [column.key for column in sheet.columns]
