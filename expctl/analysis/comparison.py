"""What differs between runs: parameters, metrics, tags, packages, classes. The first run is the baseline.

Pure: records and what was read of their artifacts in, a comparison out. Rounds nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from expctl.metrics import METRICS, higher_is_better, is_detail
from expctl.recipe import renamed
from expctl.records import Tag, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from expctl.records import RunRecord


_MANY: Final = 10  # parameters of one run alone that a table shows
_CODE: Final = (Tag.GIT_COMMIT, Tag.GIT_BRANCH, Tag.GIT_REMOTE, Tag.GIT_DIRTY)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in each of the compared runs. `values` are in the order of the runs, None where a run has none."""

    section: str
    key: str
    values: tuple[Value, ...]
    higher_is_better: bool | None = None

    @property
    def differs(self) -> bool:
        """Whether any run has another value than the baseline. NaN equals NaN here: nothing changed."""
        first = self.values[0]
        return any(not _same(value, first) for value in self.values[1:])

    @property
    def changes(self) -> tuple[float | None, ...]:
        """For metrics: each later value minus the baseline's; None where either is missing."""
        first = self.values[0]
        return tuple(_minus(value, first) if self.higher_is_better is not None else None for value in self.values[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared runs, baseline first, and their lines. `same_test_set` is None where a run does not say.

    `same` counts what is left out, section by section, because it is the same in all runs.
    """

    runs: Sequence[RunRecord]
    lines: Sequence[Line]
    same_test_set: bool | None
    same: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Distance:
    """How many commits one of two has and the other has not, and how many files differ between the two."""

    commits: int
    files: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read of a run's artifacts: packages and figures per class; None where the run has no such file."""

    packages: Mapping[str, str] | None = None
    per_class: Mapping[str, Mapping[str, float]] | None = None


def compare(
    runs: Sequence[RunRecord],
    evidence: Sequence[Evidence],
    *,
    metric: str | None = None,
    everything: bool = False,
    per_class: bool = False,
    experiments: bool = False,
    distances: Sequence[Distance | None] = (),
) -> Comparison:
    """Compare two or more runs with the first, by what differs: comparing a run with itself has no lines.

    `metric` keeps one metric, and `experiments` theirs, the same or not. With `everything` parameters, metrics and
    classes that are the same are kept too, behind the parameters that differ. `distances` are those
    of the code of each challenger, None where nobody knows.
    """
    lines = [
        *_experiments(runs, always=experiments),
        *_parameters(runs),
        *_metrics(runs, metric),
        *_code(runs, distances),
        *_tags(runs),
        *_packages(evidence),
        *(_classes(evidence) if per_class else ()),
    ]
    kept, same = [], Counter[str]()
    for line in lines:
        asked = line.section == "run" or (line.section == "metrics" and line.key == metric)
        if everything or asked or line.differs:
            kept.append(line)
        else:
            same[line.section] += 1
    return Comparison(runs, kept, _same_test_set(runs), same)


def without_one_sided(comparison: Comparison) -> tuple[Comparison, dict[int, int]]:
    """Two runs without the parameters that one alone has, where these are more than ten, and how many each had of them.

    As of runs that two programs made: each has parameters that the other does not know.
    """
    if len(comparison.runs) != 2:
        return comparison, {}
    alone = {
        id(line): 0 if line.values[1] is None else 1
        for line in comparison.lines
        if line.section == "parameters" and None in line.values and line.differs
    }
    if len(alone) <= _MANY:
        return comparison, {}
    kept = [line for line in comparison.lines if id(line) not in alone]
    return replace(comparison, lines=kept), dict(sorted(Counter(alone.values()).items()))


def _same(one: Value, other: Value) -> bool:
    # min_df=1 is a number of texts, min_df=1.0 a share of them: equal values of two types are two settings.
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _minus(value: Value, baseline: Value) -> float | None:
    if isinstance(value, (int, float)) and isinstance(baseline, (int, float)):
        return value - baseline
    return None


def _lines(section: str, keys: Iterable[str], parts: Sequence[Mapping[str, Value] | None]) -> list[Line]:
    return [Line(section, key, tuple(None if part is None else part.get(key) for part in parts)) for key in keys]


def _keys(parts: Sequence[Mapping[str, object] | None]) -> list[str]:
    return list(dict.fromkeys(key for part in parts if part is not None for key in part))


def _experiments(runs: Sequence[RunRecord], *, always: bool) -> list[Line]:
    line = Line("run", "experiment", tuple(run.experiment for run in runs))
    return [line] if always or line.differs else []


def _parameters(runs: Sequence[RunRecord]) -> list[Line]:
    parts = [renamed(run.typed_params) if Tag.RECIPE in run.tags else run.typed_params for run in runs]
    return sorted(_lines("parameters", _keys(parts), parts), key=lambda line: not line.differs)


def _metrics(runs: Sequence[RunRecord], metric: str | None) -> list[Line]:
    parts = [run.metrics for run in runs]
    present = _keys(parts)
    ordered = [key for key in METRICS if key in present] + sorted(key for key in present if key not in METRICS)
    keys = [key for key in ordered if not is_detail(key, present)] if metric is None else [metric]
    return [
        Line("metrics", line.key, line.values, higher_is_better(line.key)) for line in _lines("metrics", keys, parts)
    ]


def _code(runs: Sequence[RunRecord], distances: Sequence[Distance | None]) -> list[Line]:
    lines = [line for line in _lines("code", _CODE, [run.tags for run in runs]) if line.differs]
    if any(one is not None for one in distances):
        lines.append(Line("code", "commits", (None, *(None if one is None else one.commits for one in distances))))
        lines.append(Line("code", "files", (None, *(None if one is None else one.files for one in distances))))
    return lines


def _tags(runs: Sequence[RunRecord]) -> list[Line]:
    parts = [{key: value for key, value in run.user_tags.items() if key not in _CODE} for run in runs]
    return [line for line in _lines("tags", _keys(parts), parts) if line.differs]


def _packages(evidence: Sequence[Evidence]) -> list[Line]:
    parts = [one.packages for one in evidence]
    if any(part is None for part in parts):
        return []
    return [line for line in _lines("packages", sorted(_keys(parts)), parts) if line.differs]


def _classes(evidence: Sequence[Evidence]) -> list[Line]:
    parts = [one.per_class for one in evidence]
    if all(part is None for part in parts):
        return []
    scores = [None if part is None else {name: figures["f1_score"] for name, figures in part.items()} for part in parts]
    return [
        Line("F1 by class", line.key, line.values, True)
        for line in _lines("F1 by class", sorted(_keys(scores)), scores)
    ]


def _same_test_set(runs: Sequence[RunRecord]) -> bool | None:
    sets = {run.test_set for run in runs}
    return None if None in sets else len(sets) == 1
