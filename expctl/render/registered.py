"""From the model registry to sheets: what a promotion did, and what is registered under a name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from expctl.metrics import usual_metrics_of
from expctl.records import Tag
from expctl.render.sheet import Cell, Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord
    from expctl.tracking.models.registry import Registered
    from expctl.workflows.promote import Promotion
    from expctl.workflows.promotion_decision import Judged

_RUN_ID = Column("run_id", "run", "id", width=8)


def reference(name: str, version: int) -> str:
    """What stands for a version wherever a run does, and for MLflow too."""
    return f"models:/{name}/{version}"


def promotion_sheet(done: Promotion, metric: str) -> Sheet:
    """`promote`: the version that an alias points at now, and the one it pointed at before."""
    columns = [
        Column("model", width=None),
        Column("version", kind="number"),
        Column("alias", width=None),
        Column("before", kind="number"),
        _RUN_ID,
        Column("name"),
        Column(metric, kind="number"),
    ]
    run = done.run
    of_run: list[Cell] = [run.run_id, run.name, run.metrics.get(metric)] if run is not None else [None] * 3
    return Sheet(
        "promotion",
        columns,
        [[done.name, done.version, done.alias, done.before, *of_run]],
        facts=_decided(done.judged),
        ids=[] if done.version is None else [reference(done.name, done.version)],
    )


def _decided(judged: Judged | None) -> dict[str, Cell]:
    """What the gate said, the number of this decision in its history, and what risk is left to those that follow."""
    if judged is None:
        return {}
    said: dict[str, Cell] = {"gate": judged.decision.outcome, "reason": judged.decision.reason}
    budget = judged.budget
    return said if budget is None else {**said, "decision": budget.decisions, "risk_left": budget.left}


def versions_sheet(model: Registered, runs: Mapping[str, RunRecord], metric: str | None = None) -> Sheet:
    """`promote --list`: each version, newest first, with its aliases, its run's metrics, and why it was promoted."""
    tasks = sorted({run.task for run in runs.values()}) or ["classification"]
    usual = (key for task in tasks for key in usual_metrics_of(task))
    metrics = list(dict.fromkeys([*([] if metric is None else [metric]), *usual]))
    columns = [
        Column("version", kind="number"),
        Column("aliases", width=None),
        _RUN_ID,
        Column("name"),
        *(Column(key, kind="number") for key in metrics),
        Column("promoted", kind="time"),
        Column("by"),
        Column("because", spare=True),
    ]
    rows: list[list[Cell]] = []
    for one in model.versions.values():
        run = runs.get(one.run_id or "")
        rows.append(
            [
                one.number,
                ", ".join(model.aliases_of(one.number)) or None,
                one.run_id,
                None if run is None else run.name,
                *(None if run is None else run.metrics.get(key) for key in metrics),
                _time(one.tags.get(Tag.PROMOTED_AT)),
                one.tags.get(Tag.PROMOTED_BY),
                one.tags.get(Tag.PROMOTED_BECAUSE),
            ]
        )
    return Sheet(
        "versions",
        columns,
        rows,
        facts={"model": model.name},
        ids=[reference(model.name, number) for number in model.versions],
    )


def _time(text: str | None) -> datetime | None:
    """A time from a tag, which anybody may have written."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
