"""What a run has under a name: attributes, parameters, metrics, tags, for columns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord, Value

ATTRIBUTES: Final = (
    "run_id",
    "name",
    "status",
    "started",
    "ended",
    "duration",
    "experiment",
    "experiment_id",
    "deleted",
)
_SPACES: Final = {"params": "params", "parameters": "params", "metrics": "metrics", "tags": "tags"}


def value_of(run: RunRecord, name: str) -> Value | datetime | timedelta:
    """The value under `params.KEY`, `metrics.KEY`, `tags.KEY` or a bare name; None if the run has none.

    A bare name is an attribute (`ATTRIBUTES`), else a parameter, else a metric, else a tag.
    """
    space, dot, key = name.partition(".")
    if dot and space in _SPACES:
        kind = _SPACES[space]
        if kind == "params":
            return run.typed_params.get(key)
        return run.metrics.get(key) if kind == "metrics" else run.tags.get(key)
    if name == "id":
        name = "run_id"
    if name in ATTRIBUTES:
        return getattr(run, name)  # type: ignore[no-any-return]
    if name in run.params:
        return run.typed_params[name]
    return run.metrics[name] if name in run.metrics else run.tags.get(name)


def varying_parameters(runs: Sequence[RunRecord]) -> list[str]:
    """Parameters with more than one value among the runs that have them, in the order they were logged.

    What only another model has does not vary: it would add a column a parameter of every family in the list.
    """
    keys = dict.fromkeys(key for run in runs for key in run.params)
    return [key for key in keys if len({run.params[key] for run in runs if key in run.params}) > 1]
