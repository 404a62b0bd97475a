"""What a run has under a name: attributes, parameters, metrics, tags, for columns and for sorting."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from expctl.metrics import higher_is_better

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from expctl.records import RunRecord, Value

ATTRIBUTES: Final = ("run_id", "name", "status", "started", "ended", "duration", "experiment_id", "deleted")
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


def known_names(runs: Iterable[RunRecord]) -> list[str]:
    """Every bare name that some of the runs have: attributes, then parameters, metrics and tags for people."""
    names = dict.fromkeys(ATTRIBUTES)
    for run in runs:
        names.update(dict.fromkeys([*run.params, *run.metrics, *run.user_tags]))
    return list(names)


def varying_parameters(runs: Sequence[RunRecord]) -> list[str]:
    """Parameters with more than one value among the runs that have them, in the order they were logged.

    What only another model has does not vary: it would add a column a parameter of every family in the list.
    """
    keys = dict.fromkeys(key for run in runs for key in run.params)
    return [key for key in keys if len({run.params[key] for run in runs if key in run.params}) > 1]


def sorted_runs(runs: Sequence[RunRecord], name: str, *, descending: bool | None = None) -> list[RunRecord]:
    """Runs by a field; equal ones keep their order. Missing values and NaN come last in either direction.

    Without `descending` a metric comes best first, a time newest first, anything else ascending.
    """
    values = {run.run_id: value_of(run, name) for run in runs}
    present = [run for run in runs if not _missing(values[run.run_id])]
    absent = [run for run in runs if _missing(values[run.run_id])]
    if descending is None:
        descending = _descends(present[0], name, values[present[0].run_id]) if present else False
    numeric = all(isinstance(values[run.run_id], (int, float)) for run in present)
    comparable = {type(values[run.run_id]) for run in present} in ({datetime}, {timedelta})
    key = (lambda run: values[run.run_id]) if numeric or comparable else (lambda run: str(values[run.run_id]))
    return [*sorted(present, key=key, reverse=descending), *absent]  # type: ignore[arg-type]


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _descends(run: RunRecord, name: str, value: object) -> bool:
    key = name.removeprefix("metrics.")
    is_metric = key in run.metrics and (name != key or key not in run.params)
    return isinstance(value, datetime) or (is_metric and higher_is_better(key))
