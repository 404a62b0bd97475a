"""Which columns a list of runs has: the usual ones, names with globs, aggregates over a history, what varies. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from expctl.analysis.run_values import value_of
from expctl.metrics import USUAL_METRICS, is_detail
from expctl.records import RECORDED, Tag

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
_USUAL: Final = tuple(key for keys in USUAL_METRICS.values() for key in keys)
_OWN: Final = 4  # metrics of runs that have none of the usual ones
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


def lacks_usual_metrics(run: RunRecord) -> bool:
    """Whether a run is to be shown by metrics of its own: another program's, that has none of its task."""
    return Tag.SWEEP not in run.tags and not any(key in run.metrics for key in _USUAL)


def usual_metrics(runs: Sequence[RunRecord]) -> list[str]:
    """Columns: those of their tasks where runs have them, and of runs that have none what most of them have instead.

    Where no run has any metric, those that runs of ours will have.
    """
    lacking = [run.metrics for run in runs if lacks_usual_metrics(run)]
    counts = Counter(
        key for metrics in lacking for key in metrics if not (is_detail(key, metrics) or key.startswith("system/"))
    )
    own = sorted(sorted(counts), key=lambda key: -counts[key])[:_OWN]
    usual = [key for key in _USUAL if any(key in run.metrics for run in runs)]
    return [*usual, *(f"metrics.{key}" for key in own)] or list(USUAL_METRICS["classification"])


def varying(names: Sequence[str] | None, runs: Sequence[RunRecord]) -> list[str]:
    """Id, name, and of the names (of everything, if there are none) those whose values differ among the runs.

    Among the runs that have them: a run that failed before it had any, or a sweep, would make everything differ. But
    that a run has a tag, which people gave it, and others have not is a difference. What sweeps are by themselves is
    left out beside other runs.
    """
    if names is None:
        runs = [run for run in runs if Tag.SWEEP not in run.tags] or runs
    present = {key for run in runs for key in run.metrics}
    known = expanded(EVERYTHING if names is None else names, runs)
    differing = [
        name
        for name in known
        if name not in _ALWAYS
        and not (names is None and is_detail(name.removeprefix("metrics."), present))
        and len({str(value) for value in _values(runs, name)}) > 1
    ]
    return [*_ALWAYS, *differing]


def _values(runs: Sequence[RunRecord], name: str) -> list[object]:
    """The values that are told apart."""
    space, _, key = name.partition(".")
    given = space == "tags" and key not in RECORDED
    return [value for run in runs if (value := value_of(run, name)) is not None or given]
