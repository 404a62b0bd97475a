"""Which columns a list of runs has: names with globs, aggregates over a metric's history, only what varies. Pure."""

from __future__ import annotations

import math
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from expctl.analysis.run_values import value_of
from expctl.metrics import is_detail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.records import RunRecord

AGGREGATES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "max": max,
    "min": min,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "mean": lambda values: math.fsum(values) / len(values),
}
_AGGREGATE: Final = re.compile(rf"({'|'.join(AGGREGATES)})\((?:metrics\.)?(.+)\)")
_ALWAYS: Final = ("run_id", "name")
EVERYTHING: Final = ("experiment", "status", "params.*", "metrics.*", "tags.*")


class Aggregate(NamedTuple):
    """`max(f1_score)`: what to do with the history of which metric."""

    function: str
    metric: str


def aggregate_of(name: str) -> Aggregate | None:
    """The aggregate that a column's name asks for; None for any other name."""
    match = _AGGREGATE.fullmatch(name)
    return None if match is None else Aggregate(match[1], match[2])


def is_glob(name: str) -> bool:
    """Whether a column's name stands for several."""
    return "*" in name or "?" in name


def expanded(names: Sequence[str], runs: Sequence[RunRecord]) -> list[str]:
    """Names with each glob replaced by what some of the runs have, in the order it was logged.

    `metrics.*` looks at metrics only, `f1*` at parameters, metrics and tags; bookkeeping tags where they are named.
    """
    found: list[str] = []
    for name in names:
        found += [known for known in _known(runs) if _fits(known, name)] if is_glob(name) else [name]
    return list(dict.fromkeys(found))


def _known(runs: Sequence[RunRecord]) -> list[str]:
    names: dict[str, None] = {}
    for space in ("params", "metrics", "tags"):
        names.update(dict.fromkeys(f"{space}.{key}" for run in runs for key in getattr(run, space)))
    return list(names)


def _fits(known: str, glob: str) -> bool:
    space, _, key = known.partition(".")
    if glob.startswith(("params.", "metrics.", "tags.")):
        hidden = space == "tags" and glob == "tags.*" and key.startswith(("mlflow.", "expctl."))
        return fnmatchcase(known, glob) and not hidden
    return fnmatchcase(key, glob) and not key.startswith(("mlflow.", "expctl."))


def varying(names: Sequence[str] | None, runs: Sequence[RunRecord]) -> list[str]:
    """Id, name, and of the names (of everything, if there are none) those whose values differ among the runs."""
    present = {key for run in runs for key in run.metrics}
    known = expanded(EVERYTHING if names is None else names, runs)
    differing = [
        name
        for name in known
        if name not in _ALWAYS
        and not (names is None and is_detail(name.removeprefix("metrics."), present))
        and len({str(value_of(run, name)) for run in runs}) > 1
    ]
    return [*_ALWAYS, *differing]
