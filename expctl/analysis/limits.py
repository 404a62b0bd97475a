"""Confidence limits of one run's metrics, from counts of rows by (label, prediction). Arrays in, limits out.

Percentiles of a bootstrap cannot leave what was seen: of a model without an error they say "1.0 to 1.0". The exact
limits of a proportion (Clopper and Pearson 1934, Biometrika 26) can, and those of accuracy are these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.analysis.joint_table import counts_by_class
from expctl.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

_DRAWS: Final = (200, 1_000)
_CELLS_DRAWN: Final = 4_000_000  # cells times draws
_PROPORTIONS: Final = ("accuracy", "recall")  # weighted recall is accuracy
_MANY: Final = 30  # rows of a class from which on one more would change little


def confidence_limits(
    labels: np.ndarray, predictions: np.ndarray, *, classes: np.ndarray | None = None, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Limits of each metric that labels decide, as (low, high), around its value on these rows.

    `labels` and `predictions` have shape (n,) and one type; `classes` are those that there are, whether or not a row is
    of them. Raises ValueError if there are no rows.
    """
    import numpy as np

    if not len(labels):
        raise ValueError("no rows to compute limits from")
    known = sorted({*labels.tolist(), *predictions.tolist(), *([] if classes is None else classes.tolist())})
    place, size = {name: i for i, name in enumerate(known)}, max(len(known), 2)
    label, said = (
        np.fromiter(map(place.__getitem__, part.tolist()), np.int64, len(part)) for part in (labels, predictions)
    )
    cells, counts = np.unique(label * size + said, return_counts=True)
    return limits_from_counts(*np.divmod(cells, size), counts, size, confidence=confidence)


def limits_from_counts(
    label: np.ndarray, said: np.ndarray, counts: np.ndarray, classes: int, *, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """The same from counts of rows, shape (cells,), by label and prediction; at least two `classes`.

    A metric is taken as a proportion of its range, seen on as many rows as vary as much as it does (`_sampled`): Korn
    and Graubard 1998, Confidence intervals for proportions with small expected number of positive counts, Survey
    Methodology 24. Where a class has few rows the limits allow for one more as well (`_one_more`).
    tests/simulation/limits.py tells how often they hold.
    """
    import numpy as np

    tail, rows = (1 - confidence) / 2, int(counts.sum())
    points = _shares(metrics_from_counts(*counts_by_class(label, said, counts[None, :], classes)))
    sampled = _sampled(label, said, counts, classes)
    few = (np.bincount(label, counts, classes) < _MANY).any()
    unseen = _one_more(label, said, counts, classes, tail) if few else {}
    found = {}
    for key, (share,) in points.items():
        effective, bias = (float(rows), 0.0) if key in _PROPORTIONS else sampled[key]
        low = _exact(min(share - max(bias, 0.0), 1.0), effective, tail)[0]
        high = _exact(min(share - min(bias, 0.0), 1.0), effective, tail)[1]
        if key in unseen and key not in _PROPORTIONS:  # of which they are the same
            low, high = min(low, unseen[key][0]), max(high, unseen[key][1])
        least, most = METRICS[key].range
        found[key] = (least + (most - least) * max(low, 0.0), least + (most - least) * min(high, 1.0))
    return found


def _shares(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Values of metrics as shares of their ranges."""
    ranges = {key: METRICS[key].range for key in values}
    return {key: (value - ranges[key][0]) / (ranges[key][1] - ranges[key][0]) for key, value in values.items()}


def _sampled(label: np.ndarray, said: np.ndarray, counts: np.ndarray, classes: int) -> dict[str, tuple[float, float]]:
    """How each metric varies on other samples of as many rows: as a proportion of how many, and how far off on average.

    The samples are drawn from a smoothed table. As three right rows of a class do not say that none is ever mistaken,
    each class has a row more that is right and one that is taken for any other, its share of all rows being what it is;
    a class without a row has half of each.
    """
    import numpy as np

    actual, every = np.bincount(label, counts, classes), np.arange(classes)
    scale = np.where(actual > 0, actual / (actual + 2), 0.5)
    weights = np.concatenate([counts * scale[label], scale, scale])  # as seen, right of each class, wrong of each
    labels, said = np.concatenate([label, every]), np.concatenate([said, every])
    size = int(min(_DRAWS[1], max(_DRAWS[0], _CELLS_DRAWN // len(weights))))
    generator, rows = np.random.default_rng(SEED), int(counts.sum())
    drawn = generator.multinomial(rows, weights / weights.sum(), size=size)
    drawn = np.concatenate([weights[None, :] * (rows / weights.sum()), drawn])  # the first: the smoothed table itself
    wrong = drawn[:, -classes:]
    turn = generator.integers(1, classes, size=size + 1)  # by how much: which other class the wrong are taken for
    taken_for = np.take_along_axis(wrong, (every - turn[:, None]) % classes, axis=1)
    taken_for[0] = (wrong[0].sum() - wrong[0]) / (classes - 1)
    hits, predicted, total = counts_by_class(labels, said, drawn[:, :-classes], classes)
    found = {}
    for key, shares in _shares(metrics_from_counts(hits, predicted + taken_for, total + wrong)).items():
        truth, sample = float(shares[0]), shares[1:]
        variance = float(((sample - sample.mean()) ** 2).mean())
        found[key] = (truth * (1 - truth) / variance if variance else rows, float(sample.mean()) - truth)
    # That of accuracy is the number of rows, but for the noise of drawing.
    exact = rows / found["accuracy"][0]
    return {key: (effective * exact, bias) for key, (effective, bias) in found.items()}


def _one_more(
    label: np.ndarray, said: np.ndarray, counts: np.ndarray, classes: int, tail: float
) -> dict[str, tuple[float, float]]:
    """Limits, as shares, as if one more row of any class had been seen: for the lower a wrong one, else a right one.

    Of accuracy these are the limits of Clopper and Pearson. Shares of rows are drawn as Dirichlet (Rubin 1981, The
    Bayesian bootstrap, Annals of Statistics 9).
    """
    import numpy as np

    size = int(min(2 * _DRAWS[1], max(_DRAWS[0], _CELLS_DRAWN // len(counts))))
    generator, rows = np.random.default_rng(SEED), np.arange(size)
    seen = counts_by_class(label, said, generator.standard_gamma(counts, size=(size, len(counts))), classes)
    of, weight = generator.integers(0, classes, size=size), generator.standard_gamma(1, size=size)
    actual, mistaken = np.zeros((size, classes)), np.zeros((size, classes))
    actual[rows, of] = weight
    mistaken[rows, (of + generator.integers(1, classes, size=size)) % classes] = weight
    upper = _shares(metrics_from_counts(*(part + actual for part in seen)))
    lower = _shares(metrics_from_counts(seen[0], seen[1] + mistaken, seen[2] + actual))
    return {key: (float(np.quantile(lower[key], tail)), float(np.quantile(upper[key], 1 - tail))) for key in upper}


def unseen_errors(wrong: int, units: int, *, confidence: float = 0.95) -> float:
    """How many more than were seen may be `wrong` on other samples of so many rows, or groups: 3.7 of 1,000 of none.

    Up to the upper limit of Clopper and Pearson.
    """
    return units * _exact(wrong / units, units, (1 - confidence) / 2)[1] - wrong


def _exact(share: float, rows: float, tail: float) -> tuple[float, float]:
    """The limits of Clopper and Pearson of a share of so many rows, which need not be whole."""
    from scipy.special import betaincinv

    right, wrong = share * rows, (1 - share) * rows
    low = float(betaincinv(right, wrong + 1, tail)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 1 - tail)) if wrong > 0 else 1.0
    return low, high
