"""How many of the rows that changed decide a metric: by how far each moves it. Counts in, figures out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.joint_table import counts_of_each

if TYPE_CHECKING:
    import numpy as np

    from expctl.analysis.joint_table import JointTable, Measure

_STEP: Final = 1e-3  # of a row: small beside one, and far above what floats cannot tell
_CLASSES: Final = 1_000  # of more the steps take seconds, and hardly one class decides
_ENOUGH: Final = 10  # rows of a class: drawn by their shares, one of them varies by a tenth less than by itself
_OF_ROWS: Final = frozenset({"accuracy", "recall"})
_NO_MOVE: Final = 1e-6  # beside the cell that moves the metric most


def deciding_rows(table: JointTable, measure: Measure) -> dict[str, tuple[float, float]]:
    """Of each metric how many rows pulled it down and how many pulled it up, were they all of one weight.

    Of 250 changed rows eight may be of a rare class, and decide a metric that averages over the classes: they are the
    sample, and not the 250. Rows of unequal weights w count as (sum of w)^2 / (sum of w^2): so many of equal weights
    would be as sure (Kish 1965, Survey Sampling). The weight of a row is how far the difference moves by what the two
    models say of it, to first order (as in the infinitesimal jackknife: Efron 1982). Of very many classes there is
    nothing: there each row counts as one.
    """
    import numpy as np

    if table.classes > _CLASSES:
        return {}
    sides = counts_of_each(table.label, (table.first, table.second), table.counts[None, :], table.classes)
    differ = table.first != table.second
    counts = table.counts[differ].astype(float)
    slopes = [_slopes(measure, side) for side in sides]
    found = {}
    for key in slopes[0]:
        before, after = (
            _moved(of[key], table.label[differ], said[differ])
            for of, said in zip(slopes, (table.first, table.second), strict=True)
        )
        weight = after - before
        weight[np.abs(weight) <= _NO_MOVE * np.abs(weight).max(initial=0.0)] = 0.0
        found[key] = _as_many(weight, counts, weight < 0), _as_many(weight, counts, weight > 0)
    return found


def row_by_row(
    table: JointTable, measure: Measure, drawn: np.ndarray, more: tuple[np.ndarray, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The difference of each metric, by how far each row moves it, where changed rows count as `drawn`.

    That has shape (resamples, cells). Of two values the first is with one row `more` that the second model breaks, the
    other with one that it fixes; more is that row by label and by the class that it is taken for, shape (resamples,
    classes) each. Where rows are drawn by their shares of a class, the one row of a class is all of it in every draw,
    and what it changes never varies. So the sum is that of Fay and Feuer (1997, Confidence intervals for directly
    standardized rates, Statistics in Medicine 16): weights by gamma variates, and one row more. Nothing where the rows
    that changed are of classes that have enough, or of very many classes, nor of accuracy, which knows no class.
    """
    import numpy as np

    differ = table.first != table.second
    changed = np.bincount(table.label, table.counts, table.classes)[table.label[differ]]
    if table.classes > _CLASSES or changed.min(initial=_ENOUGH) >= _ENOUGH:
        return {}
    sides = counts_of_each(table.label, (table.first, table.second), table.counts[None, :], table.classes)
    before, after = (_slopes(measure, side) for side in sides)
    points = [measure(*side) for side in sides]
    label, off = table.label[differ], drawn[:, differ] - table.counts[differ]
    right, wrong = more
    found = {}
    for key in before.keys() - _OF_ROWS:
        one, other = before[key], after[key]
        weight = _moved(other, label, table.second[differ]) - _moved(one, label, table.first[differ])
        value = float((points[1][key] - points[0][key])[0]) + off @ weight
        found[key] = (
            value + wrong @ other[1] - right @ one.sum(axis=0),
            value + right @ other.sum(axis=0) - wrong @ one[1],
        )
    return found


def _as_many(weight: np.ndarray, counts: np.ndarray, chosen: np.ndarray) -> float:
    squares = float((counts * weight**2)[chosen].sum())
    return float((counts * weight)[chosen].sum()) ** 2 / squares if squares else 0.0


def _slopes(measure: Measure, side: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """How far each metric moves with one more row predicted right, and predicted as each class: (2, classes)."""
    import numpy as np

    classes = side[0].shape[1]
    stepped = [np.repeat(part, 2 * classes, axis=0) for part in side]
    every = np.arange(classes)
    for at, part in enumerate(stepped[:2]):
        part[at * classes + every, every] += _STEP
    value, moved = measure(*side), measure(*stepped)
    return {key: ((moved[key] - value[key]) / _STEP).reshape(2, classes) for key in value}


def _moved(slopes: np.ndarray, label: np.ndarray, said: np.ndarray) -> np.ndarray:
    """How far what is said of a row moves a metric, by its label and prediction."""
    moved: np.ndarray = slopes[0, label] * (label == said) + slopes[1, said]
    return moved
