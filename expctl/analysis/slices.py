"""Test rows in slices by what a column says of them: which slices there are, and each one's metrics and tests.

Arrays in, values out. Texts make a slice a value; numbers of many values are cut into four of about as many rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.clusters import cluster_limits, too_few
from expctl.analysis.difference import adjusted
from expctl.analysis.limits import confidence_limits
from expctl.analysis.predictions import group_numbers
from expctl.analysis.regression import regression_limits, regression_metrics
from expctl.analysis.significance import Assessment, assess

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.difference import Difference
    from expctl.analysis.predictions import Pairing, RunPredictions

LEAST_ROWS: Final = 20  # of a slice that is measured
MOST: Final = 20  # slices of one column, besides those that take the rest
_VALUES: Final = 10  # of a column of numbers: more are cut into quarters
_QUARTERS: Final = (0.25, 0.5, 0.75)
OTHER: Final = "(other)"
EMPTY: Final = "(empty)"


@dataclass(frozen=True)
class Slice:
    """Some of the test rows: what they have in common, and their positions."""

    name: str
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class SliceMetrics:
    """What a run scores on a slice: metrics that labels or values decide, and the limits of some. `note`: why none."""

    name: str
    rows: int
    values: dict[str, float]
    limits: dict[str, tuple[float, float]]
    note: str | None = None


@dataclass(frozen=True)
class SliceDifference:
    """What a challenger changes on a slice of so many rows. `note`: why nothing was tested."""

    name: str
    rows: int
    difference: Difference | None
    note: str | None = None


def slices_of(cells: np.ndarray) -> list[Slice]:
    """The slices of rows by the cells of a column: numbers (float64, NaN where empty) or objects ("" where empty).

    Numbers of at most ten values, and texts, make a slice of each value; more numbers are cut at their quartiles, equal
    ones together. Of texts the 20 most frequent stay, and values of fewer than 20 rows go with the rest into `(other)`.
    Numbers come in their order, texts the most frequent first, `(other)` and `(empty)` last.
    """
    import numpy as np

    if cells.dtype.kind == "f":
        there = ~np.isnan(cells)
        found = _of_numbers(cells, np.flatnonzero(there))
    else:
        there = cells != ""
        found = _of_texts(cells, np.flatnonzero(there))
    empty = np.flatnonzero(~there)
    return [*found, *([Slice(EMPTY, empty)] if len(empty) else [])]


def _of_numbers(cells: np.ndarray, there: np.ndarray) -> list[Slice]:
    import numpy as np

    values = np.unique(cells[there])
    if len(values) <= _VALUES:
        return _pooled([Slice(_value(value), there[cells[there] == value]) for value in values])
    edges = np.unique(np.quantile(cells[there], _QUARTERS, method="inverted_cdf"))
    codes = np.searchsorted(edges, cells[there], side="left")  # an edge is the last of its quarter
    found = []
    for code in np.unique(codes):
        rows = there[codes == code]
        low, high = cells[rows].min(), cells[rows].max()
        found.append(Slice(_number(low) if low == high else f"{_number(low)} to {_number(high)}", rows))
    return found


def _value(value: float) -> str:
    """A number, and no other: of large ones that differ little, too. -0 is 0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def _number(value: float) -> str:
    value += 0.0  # -0 is 0
    return (
        f"{value:,.0f}"
        if value == round(value) and abs(value) < 1e15
        else f"{value:,.{4 if abs(value) < 1000 else 6}g}"
    )


def _of_texts(cells: np.ndarray, there: np.ndarray) -> list[Slice]:
    import numpy as np

    names, codes, counts = np.unique(cells[there].astype(str), return_inverse=True, return_counts=True)
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    return _pooled([Slice(str(names[i]), there[codes == i]) for i in order[: MOST + 1]], there)


def _pooled(found: list[Slice], there: np.ndarray | None = None) -> list[Slice]:
    """The slices that are large enough and not too many, and one of all other rows."""
    import numpy as np

    every = np.concatenate([one.rows for one in found]) if there is None and found else there
    kept = [one for one in found if len(one) >= LEAST_ROWS]
    kept = kept if len(kept) <= MOST else kept[:MOST]
    if every is None or len(found) == 1:
        return found
    rest = np.setdiff1d(every, np.concatenate([one.rows for one in kept])) if kept else every
    return [*kept, *([Slice(OTHER, rest)] if len(rest) else [])]


def taken(run: RunPredictions, rows: np.ndarray) -> RunPredictions:
    """Some of the rows of a run."""

    def part(values: Any) -> Any:
        return None if values is None else values[rows]

    return replace(
        run, rows=run.rows[rows], keys=run.keys[rows], labels=run.labels[rows], predicted=run.predicted[rows],
        scores=part(run.scores), groups=part(run.groups), slices={key: part(one) for key, one in run.slices.items()},
    )  # fmt: skip


def slice_metrics(run: RunPredictions, slices: Sequence[Slice], *, confidence: float = 0.95) -> list[SliceMetrics]:
    """What a run scores on each slice, by the metrics that labels or values decide; on a slice of few rows nothing."""
    import numpy as np

    found = []
    for one in slices:
        part = taken(run, one.rows)
        note = _few(len(one))
        if note is not None:
            found.append(SliceMetrics(one.name, len(one), {}, {}, note))
            continue
        if run.task == "regression":
            found.append(_measured(one, part, confidence))
            continue
        said = (part.labels[part.labels == part.predicted], part.predicted, part.labels)
        counts = (np.bincount(codes, minlength=len(run.classes))[None].astype(np.float64) for codes in said)
        values = {key: float(value[0]) for key, value in metrics_from_counts(*counts).items()}
        if part.groups is None:
            limits = confidence_limits(part.labels, part.predicted, confidence=confidence)
        else:
            limits = cluster_limits(part.labels, part.predicted, part.groups, confidence=confidence)
            note = too_few(group_numbers(part.groups))
        found.append(SliceMetrics(one.name, len(one), values, limits, note))
    return found


def _measured(one: Slice, part: RunPredictions, confidence: float) -> SliceMetrics:
    """What a run of regression scores on a slice."""
    values = {key: value for key, (value, _) in regression_metrics(part.labels, part.predicted).items()}
    groups = None if part.groups is None else group_numbers(part.groups)
    limits = regression_limits(part.labels, part.predicted, groups, confidence=confidence)
    return SliceMetrics(one.name, len(one), values, limits, None if groups is None else too_few(groups))


def slice_differences(
    baseline: RunPredictions,
    challenger: RunPredictions,
    pairing: Pairing,
    cells: np.ndarray,
    metric: str,
    *,
    confidence: float = 0.95,
    together: bool = False,
) -> list[SliceDifference]:
    """What a challenger changes by one metric on each slice of the paired rows, of which `cells` are those of a column.

    P-values are corrected for as many slices by Holm's method. With `together` limits and p-values hold for all at once
    (Bonferroni): some slice is then surely beyond a bound exactly where Holm's method would say so of some slice.
    """
    slices = slices_of(cells)
    tested = [one for one in slices if _few(len(one)) is None]
    level = 1 - (1 - confidence) / max(len(tested), 1) if together else confidence
    tests: list[Assessment] = []
    for one in slices:
        note = _few(len(one))
        if note is not None:
            tests.append(Assessment(note=note))
            continue
        parts = taken(baseline, pairing.first[one.rows]), taken(challenger, pairing.second[one.rows])
        tests.append(assess(*parts, confidence=level))
    by_itself = [_only(test, metric, 1 - confidence) for test in tests]
    corrected = [_of_many(found, len(tested)) for found in by_itself] if together else adjusted(by_itself, metric)
    return [
        SliceDifference(one.name, len(one), found.get(metric), None if metric in found else _reason(test, metric))
        for one, test, found in zip(slices, tests, corrected, strict=True)
    ]


def _only(test: Assessment, metric: str, alpha: float) -> dict[str, Difference]:
    found = test.differences.get(metric)
    return {} if found is None else {metric: replace(found, alpha=alpha)}


def _of_many(found: dict[str, Difference], count: int) -> dict[str, Difference]:
    """The difference on a slice, its p-value Bonferroni's of so many, as its limits are."""
    return {key: replace(one, p_value=min(1.0, count * one.p_value), many=count) for key, one in found.items()}


def _reason(test: Assessment, metric: str) -> str:
    return test.untested.get(metric) or test.note or f"{metric} cannot be tested on these rows"


def _few(rows: int) -> str | None:
    return f"fewer than {LEAST_ROWS} rows" if rows < LEAST_ROWS else None
