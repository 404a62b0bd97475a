"""Tests and limits where test rows come in groups: near copies, texts of one author. Arrays in, values out.

Rows of a group tell much the same, so that whole groups are the sample, not rows: a test of rows takes ten copies of
one accident for ten accidents. Standard errors are of the jackknife that leaves out one group at a time (Cameron and
Miller 2015, A practitioner's guide to cluster-robust inference, Journal of Human Resources 50; MacKinnon, Nielsen and
Webb 2023, Fast and reliable jackknife and bootstrap methods for cluster-robust inference, Journal of Applied
Econometrics 38), with Student's t of as many groups as differ. Nothing is drawn but for what few groups have not shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.analysis.difference import Difference, expanded_tail
from expctl.analysis.label_metrics import ClassCounts
from expctl.analysis.predictions import group_numbers
from expctl.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from expctl.analysis.predictions import Pairing, RunPredictions

    Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, np.ndarray]]

LEAST_GROUPS: Final = 20  # with fewer there is no verdict, and no limits: tests/simulation/clusters.py
_BLOCKS: Final = 2_000  # more groups are put together to so many, of whole groups each
_MANY: Final = 30  # groups of a kind from which on a resampled count of them is as good as normal
_OF_ROWS: Final = ("accuracy", "recall")  # metrics to which a rare class is no more than its rows
_LEAST_EFFECTIVE: Final = 6  # groups: fewer, of a class, are counted as so many
_DRAWN: Final = (150, 4_000)
_CELLS: Final = 4_000_000  # blocks times resamples


def too_few(groups: np.ndarray) -> str | None:
    """Why rows of these groups are not tested; None if they are."""
    count = int(groups.max()) + 1
    if count >= LEAST_GROUPS:
        return None
    return f"the test rows are of {count} group{'s' * (count != 1)}, and a test needs {LEAST_GROUPS}"


@dataclass(frozen=True)
class Blocks:
    """Test rows by block: a group, or of very many groups some together. `sizes`: the groups in each."""

    of_row: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray) -> Blocks:
        """The blocks of rows whose groups are numbered 0, 1, ..."""
        import numpy as np

        count = int(groups.max()) + 1
        blocks = min(count, _BLOCKS)
        return cls(groups % blocks, np.bincount(np.arange(count) % blocks))

    def __len__(self) -> int:
        return len(self.sizes)

    def counts(self, labels: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, ...]:
        """(hits, predicted, actual) of each block by class, shape (blocks, classes) each."""
        import numpy as np

        hit = labels == predicted

        def table(blocks: np.ndarray, codes: np.ndarray) -> np.ndarray:
            flat = np.bincount(blocks * classes + codes, minlength=len(self) * classes)
            return flat.reshape(len(self), classes).astype(np.float64)

        return (
            table(self.of_row[hit], labels[hit]),
            table(self.of_row, predicted),
            table(self.of_row, labels),
        )


@dataclass(frozen=True)
class _Side:
    """What one model predicted, counted by block, and what a metric function makes of it."""

    parts: tuple[np.ndarray, ...]
    measure: Measure

    @cached_property
    def totals(self) -> tuple[np.ndarray, ...]:
        return tuple(part.sum(axis=0, keepdims=True) for part in self.parts)

    @cached_property
    def value(self) -> dict[str, np.ndarray]:
        return self.measure(*self.totals)

    @cached_property
    def without_each(self) -> dict[str, np.ndarray]:
        return self.measure(*(total - part for total, part in zip(self.totals, self.parts, strict=True)))

    def drawn(self, weights: np.ndarray, more: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
        return self.measure(*(weights @ part + one for part, one in zip(self.parts, more, strict=True)))


def cluster_differences(
    pairing: Pairing, groups: np.ndarray, *, confidence: float = 0.95, same_model: bool = False
) -> dict[str, Difference]:
    """Every metric that labels decide, challenger (second) minus baseline (first), with whole groups as the sample."""
    informative = _changed_groups(pairing.first_predicted != pairing.second_predicted, groups)
    counts = dict.fromkeys(METRICS, informative)
    few = min(_changed_groups(one, groups) for one in _broken_and_fixed(pairing)) < _MANY and not same_model
    return _differences(pairing, groups, metrics_from_counts, counts, confidence, few=few, each_class=False)


def cluster_class_differences(
    pairing: Pairing, groups: np.ndarray, *, confidence: float = 0.95, same_model: bool = False
) -> dict[str, Difference]:
    """F1 of each class, challenger minus baseline, with whole groups as the sample. Keys are the classes."""

    def class_f1(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> dict[str, np.ndarray]:
        f1 = ClassCounts(hits, predicted, actual).f1
        return {name: f1[:, i] for i, name in enumerate(pairing.classes)}

    differ = pairing.first_predicted != pairing.second_predicted
    counts = {
        name: _changed_groups(differ & ((pairing.first_predicted == i) | (pairing.second_predicted == i)), groups)
        for i, name in enumerate(pairing.classes)
    }
    found = _differences(pairing, groups, class_f1, counts, confidence, few=not same_model, each_class=True)
    return {name: replace(one, metric="f1_score") for name, one in found.items()}


def cluster_score_differences(
    first: RunPredictions, second: RunPredictions, pairing: Pairing, groups: np.ndarray, *, confidence: float = 0.95
) -> dict[str, Difference]:
    """The metrics of the table that scores decide, as the mean of a figure a row, with whole groups as the sample.

    Of the AUC these are DeLong's placements, whose sums by group Obuchowski (1997, Nonparametric analysis of clustered
    ROC curve data, Biometrics 53) takes. Of two classes as many groups count as have the rarer one.
    """
    import numpy as np

    found: dict[str, Difference] = {}
    labels, blocks = np.unique(pairing.labels), Blocks.of(groups)
    rarer = min(_changed_groups(pairing.labels == one, groups) for one in labels) if len(labels) == 2 else None
    for metric, entry in METRICS.items():
        if entry.needs != "scores":
            continue
        one, other = (
            entry.compute(run, rows, pairing) for run, rows in ((first, pairing.first), (second, pairing.second))
        )
        if one is None or other is None:
            continue
        change = other[1] - one[1]
        informative = _changed_groups(change != 0, groups)
        sums = _in_blocks(blocks, change)
        rows = np.bincount(blocks.of_row, minlength=len(blocks))
        error, _ = _jackknife((sums.sum() - sums) / (rows.sum() - rows))
        sample = informative if rarer is None else min(informative, rarer)
        found[metric] = _difference(metric, one[0], other[0], error, sample, confidence)
    return found


def cluster_limits(
    labels: np.ndarray, predictions: np.ndarray, hashes: np.ndarray, *, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Limits of each metric that labels decide, as (low, high), with whole groups as the sample; none of few groups.

    Shares of the groups are drawn as Dirichlet (Rubin 1981, The Bayesian bootstrap, Annals of Statistics 9); the lower
    limit is taken as if one more group, of a random class, had been seen that is all wrong, the upper as if one more
    were all right, so that a perfect score has a lower limit below 1 (of proportions: Clopper and Pearson 1934,
    Biometrika 26), and what averages over the classes allows for a class of few groups. The percentiles stand for
    Student's t of as many groups of one size as would tell as much (Kish 1965, Survey Sampling); of two classes, but
    for accuracy, as have the rarer one.
    """
    import numpy as np

    groups = group_numbers(hashes)
    if too_few(groups):
        return {}
    names, codes = np.unique(np.concatenate([labels, predictions]), return_inverse=True)
    blocks, classes = Blocks.of(groups), max(len(names), 2)
    side = _Side(blocks.counts(codes[: len(labels)], codes[len(labels) :], classes), metrics_from_counts)
    weights, actual, mistaken = _one_more(blocks, side.parts[2], each_class=False)
    lower, upper = side.drawn(weights, (0 * actual, mistaken, actual)), side.drawn(weights, (actual, actual, actual))
    every = _effective(groups)
    of_class = [_effective(groups[codes[: len(labels)] == code]) for code in range(len(names))]
    rarer = min(every, *of_class) if len(names) == 2 and all(of_class) else every
    found = {}
    for key in lower:
        tail = expanded_tail(max(every if key in _OF_ROWS else rarer, _LEAST_EFFECTIVE) - 1, confidence) * 100
        found[key] = float(np.percentile(lower[key], tail)), float(np.percentile(upper[key], 100 - tail))
    return found


def _differences(
    pairing: Pairing,
    groups: np.ndarray,
    measure: Measure,
    informative: dict[str, int],
    confidence: float,
    *,
    few: bool,
    each_class: bool,
) -> dict[str, Difference]:
    """Groups in which nothing differs are no sample: `informative` are; where few groups of a rare class decide a
    metric, as many fewer as decide it than decide accuracy.
    """
    import numpy as np

    blocks, classes = Blocks.of(groups), max(len(pairing.classes), 2)
    first, second = (
        _Side(blocks.counts(pairing.labels, said, classes), measure)
        for said in (pairing.first_predicted, pairing.second_predicted)
    )
    unseen: dict[str, tuple[float, float]] = {}
    if few:
        weights, actual, mistaken = _one_more(blocks, first.parts[2], each_class=each_class)
        right, wrong = (actual, actual, actual), (0 * actual, mistaken, actual)
        tail = (1 - confidence) / 2 * 100
        # One more group that the second breaks, as seen from either side: so that (a, b) mirrors (b, a).
        ends = [
            {key: after[key] - before[key] for key in before}
            for before, after in (
                (first.drawn(weights, right), second.drawn(weights, wrong)),
                (first.drawn(weights, wrong), second.drawn(weights, right)),
            )
        ]
        unseen = {
            key: (float(np.percentile(ends[0][key], tail)), -float(np.percentile(-ends[1][key], tail)))
            for key in ends[0]
        }
    found = {}
    jackknifed = {key: _jackknife(second.without_each[key] - first.without_each[key]) for key in first.value}
    _, of_rows = jackknifed.get("accuracy", (0.0, 0.0))
    for key, before in first.value.items():
        error, deciding = jackknifed[key]
        sample: float = informative[key]
        if of_rows > deciding:
            sample = min(sample, max(sample * deciding / of_rows, _LEAST_EFFECTIVE))
        difference = _difference(key, float(before[0]), float(second.value[key][0]), error, sample, confidence)
        low, high = unseen.get(key, (difference.low, difference.high))
        found[key] = replace(difference, low=min(low, difference.low), high=max(high, difference.high))
    return found


def _difference(metric: str, before: float, after: float, error: float, sample: float, confidence: float) -> Difference:
    """The difference with Student's t limits, of a `sample` of so many groups."""
    from scipy.special import stdtr, stdtrit

    change, freedom = after - before, max(sample - 1, 1)
    error *= float((freedom + 1) / freedom) ** 0.5
    reach = float(-stdtrit(freedom, (1 - confidence) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(change) / error)) if error else 1.0
    return Difference(metric, before, after, change - reach, change + reach, p_value, 1 - confidence)


def _jackknife(without_each: np.ndarray) -> tuple[float, float]:
    """The standard error, and how many groups make it, were they all as far off: (sum of squares)^2 / (sum of fourths).

    So many make its degrees of freedom (Satterthwaite 1946, Biometrics Bulletin 2; as the effective number of clusters
    of Carter, Schnepel and Steigerwald 2017, Review of Economics and Statistics 99).
    """
    import numpy as np

    blocks = len(without_each)
    squares = np.sort(np.abs(without_each - without_each.mean())) ** 2  # the same sum from either side
    total, most = float(squares.sum()), float(squares.max())
    if not total:
        return 0.0, 0.0
    return float(np.sqrt((blocks - 1) / blocks * total)), (total / most) ** 2 / float(((squares / most) ** 2).sum())


def _one_more(blocks: Blocks, actual: np.ndarray, *, each_class: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of the blocks in each resample, shape (resamples, blocks), and one more group, by class: its rows, and
    the same as another class. It is like that of a random row of a random class; with `each_class`, for each class like
    those that have it.
    """
    import numpy as np

    generator, (least, most) = np.random.default_rng(SEED), _DRAWN
    size = int(min(most, max(least, _CELLS // max(len(blocks), actual.shape[1] * 10))))
    weights = generator.standard_gamma(blocks.sizes, size=(size, len(blocks))) / blocks.sizes
    if each_class:
        having = np.maximum((actual > 0).sum(axis=0), 1)
        more = generator.standard_gamma(1, size=(size, actual.shape[1])) * actual.sum(axis=0) / having
        return weights, more, np.zeros_like(more)
    of = generator.choice(np.flatnonzero(actual.any(axis=0)), size=size)
    chosen = np.empty(size, dtype=np.int64)
    for code in np.unique(of):
        rows, drawn = actual[:, code], of == code
        chosen[drawn] = generator.choice(len(blocks), size=int(drawn.sum()), p=rows / rows.sum())
    more = generator.standard_gamma(1, size=(size, 1)) * actual[chosen] / blocks.sizes[chosen][:, None]
    present = np.flatnonzero(actual.any(axis=0))
    turned = np.zeros_like(more)
    if len(present) > 1:
        turned[:, present] = np.roll(more[:, present], 1, axis=1)
    else:
        turned[:, (present + 1) % actual.shape[1]] = more[:, present]
    return weights, more, turned


def _in_blocks(blocks: Blocks, figures: np.ndarray) -> np.ndarray:
    """Figures of rows, summed by block, to the last bit the same in whatever order the rows come."""
    import numpy as np

    order = np.lexsort((figures, blocks.of_row))
    starts = np.searchsorted(blocks.of_row[order], np.arange(len(blocks)))
    sums: np.ndarray = np.add.reduceat(figures[order], starts)
    return sums


def _effective(groups: np.ndarray) -> float:
    """How many groups of one size weigh as much as these, which are numbered; 0 of no rows."""
    import numpy as np

    sizes = np.bincount(groups)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(groups) else 0.0


def _broken_and_fixed(pairing: Pairing) -> tuple[np.ndarray, np.ndarray]:
    before, after = pairing.first_predicted == pairing.labels, pairing.second_predicted == pairing.labels
    return before & ~after, after & ~before


def _changed_groups(rows: np.ndarray, groups: np.ndarray) -> int:
    """How many groups have one of these rows."""
    import numpy as np

    seen = np.zeros(int(groups.max()) + 1, dtype=bool)
    seen[groups[rows]] = True
    return int(seen.sum())


def cluster_informative(first: RunPredictions, second: RunPredictions, pairing: Pairing, groups: np.ndarray) -> int:
    """In how many groups two models say something else, by their scores where both have some."""
    if first.scores is None or second.scores is None or first.scores.shape[1] != second.scores.shape[1]:
        return _changed_groups(pairing.first_predicted != pairing.second_predicted, groups)
    return _changed_groups((first.scores[pairing.first] != second.scores[pairing.second]).any(axis=1), groups)


def group_weights(groups: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How often each row comes where as many groups as there are, are drawn with replacement."""
    import numpy as np

    count = int(groups.max()) + 1
    weights: np.ndarray = np.bincount(generator.integers(0, count, count), minlength=count)[groups]
    return weights
