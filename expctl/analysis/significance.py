"""Is the difference between two classifiers real? Paired tests on the rows both were tested on.

The joint table of (label, prediction A, prediction B) counts is a sufficient statistic for every metric that labels
decide, so the paired bootstrap draws that table anew (multinomial) in place of the rows. Everything is deterministic
and mirrors: what is said of (a, b) is said, with the signs turned, of (b, a).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.analysis.clusters import (
    cluster_class_differences,
    cluster_differences,
    cluster_score_differences,
    too_few,
)
from expctl.analysis.difference import Difference, adjusted, evened, mcnemar_p, mirrored, resampled_difference
from expctl.analysis.influence import deciding_rows, row_by_row
from expctl.analysis.joint_table import JointTable, counts_of_each, joint_table, sizes
from expctl.analysis.label_metrics import ClassCounts
from expctl.analysis.predictions import Pairing, RunPredictions, pair
from expctl.analysis.randomization import randomization_p
from expctl.analysis.regression import value_differences
from expctl.analysis.scores import score_differences, too_few_rows
from expctl.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np

    from expctl.analysis.joint_table import Measure

_MANY: Final = 30  # rows of a kind from which on a resampled count of them is as good as normal


def paired_differences(
    table: JointTable, *, confidence: float = 0.95, same_model: bool = False
) -> dict[str, Difference]:
    """Every metric that labels decide, challenger (second) minus baseline (first), by the paired bootstrap.

    Percentile intervals, expanded for few rows, and p-values by the share of resamples on the other side of zero. Where
    few rows were broken or few were fixed, limits are further apart (`unseen_limits`) and p-values no smaller than
    those of the randomization test. Of accuracy they are those of McNemar's exact test. Of the `same_model` nothing
    differs, whatever the rows. Raises ValueError for an empty table.
    Source: Efron and Tibshirani 1993, chapter 13; McNemar 1947, Psychometrika 12.
    """
    return differences(table, confidence=confidence, same_model=same_model)[0]


def class_differences(
    table: JointTable, classes: Sequence[str], *, confidence: float = 0.95, same_model: bool = False
) -> dict[str, Difference]:
    """F1 of each class, challenger (second) minus baseline (first), by the same bootstrap. Keys are the classes."""
    return differences(table, classes, confidence=confidence, same_model=same_model)[1]


def differences(
    table: JointTable, classes: Sequence[str] = (), *, confidence: float = 0.95, same_model: bool = False
) -> tuple[dict[str, Difference], dict[str, Difference]]:
    """`paired_differences` and, of the `classes`, `class_differences`, from the same resamples."""
    if not len(table.counts):
        raise ValueError("no rows to compare")

    def class_f1(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> dict[str, np.ndarray]:
        f1 = ClassCounts(hits, predicted, actual).f1
        return {name: f1[:, i] for i, name in enumerate(classes)}

    found, by_class = _resampled(table, (metrics_from_counts, class_f1), confidence, same_model=same_model)
    exact = mcnemar_p(*_changed(table.label, table.first, table.second, table.counts))
    for key in ("accuracy", "recall"):  # weighted recall is accuracy
        found[key] = replace(found[key], p_value=exact)
    return found, {name: replace(one, metric="f1_score") for name, one in by_class.items()}


def _resampled(
    table: JointTable, measures: tuple[Measure, Measure], confidence: float, *, same_model: bool
) -> list[dict[str, Difference]]:
    """The difference of everything the measures compute from class counts, by the paired bootstrap.

    The second computes a figure of each class, from the counts of that class alone; or none.
    """
    import numpy as np

    turned, even = _sides(table)
    first, second = (table.second, table.first) if turned else (table.first, table.second)
    order = np.lexsort((second, first, table.label))
    label, first, second, counts = table.label[order], first[order], second[order], table.counts[order]
    informative = int(counts[first != second].sum())
    ordered = JointTable(label, first, second, counts, table.classes)
    sides = counts_of_each(label, (first, second), counts[None, :], table.classes)
    points = [[measure(*side) for side in sides] for measure in measures]
    few = [set[str]() if same_model else of for of in _of_few(ordered, measures, points)]
    unseen = unseen_limits(ordered, measures, confidence, few=few)
    observed = [
        {key: float((other[key] - one[key])[0]) for key in of_few}
        for (one, other), of_few in zip(points, few, strict=True)
    ]
    by_chance = randomization_p(ordered, measures, observed) if any(few) else observed
    drawn: list[dict[str, list[np.ndarray]]] = [{key: [] for key in one} for one, _ in points]
    for resample in _resamples(counts):
        sides = counts_of_each(label, (first, second), resample, table.classes)
        for measure, parts in zip(measures, drawn, strict=True):
            if parts:
                one, other = (measure(*side) for side in sides)
                for key, of_key in parts.items():
                    of_key.append(other[key] - one[key])
    found: list[dict[str, Difference]] = []
    for (before, after), parts, wider, chance in zip(points, drawn, unseen, by_chance, strict=True):
        found.append({})
        for key, of_key in parts.items():
            difference = resampled_difference(
                key,
                float(before[key][0]),
                float(after[key][0]),
                np.concatenate(of_key),
                confidence,
                informative=informative,
            )
            if key in wider:
                low, high = min(wider[key][0], difference.low), max(wider[key][1], difference.high)
                difference = replace(difference, low=low, high=high, p_value=max(difference.p_value, chance[key]))
            found[-1][key] = evened(difference) if even else mirrored(difference) if turned else difference
    return found


def _changed(label: np.ndarray, first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> tuple[int, int]:
    """How many rows the second broke, which the first had right, and how many it fixed."""
    before, after = first == label, second == label
    return int(counts[before & ~after].sum()), int(counts[after & ~before].sum())


def _of_few(
    table: JointTable, measures: tuple[Measure, Measure], points: Sequence[Sequence[Mapping[str, np.ndarray]]]
) -> list[set[str]]:
    """What each measure computes that few rows decide: that few were broken, or fixed, or few of any weight.

    The second computes figures of classes, of which any may have few.
    """
    rows = _changed(table.label, table.first, table.second, table.counts)
    deciding = deciding_rows(table, measures[0]) if min(rows) >= _MANY else {}
    metrics = {key for key in points[0][0] if min(*rows, *deciding.get(key, rows)) < _MANY}
    return [metrics, set(points[1][0]) if min(_changed_by_class(table)) < _MANY else set()]


def _changed_by_class(table: JointTable) -> list[int]:
    """The same of each class by itself: rows that the second no longer, or only then, takes rightly for it or not."""
    import numpy as np

    label, first, second, size = table.label, table.first, table.second, table.classes
    differ = first != second

    def rows(of: np.ndarray, where: np.ndarray) -> np.ndarray:
        return np.bincount(of[where & differ], table.counts[where & differ], size)

    broken = rows(label, first == label) + rows(second, second != label)
    fixed = rows(label, second == label) + rows(first, first != label)
    occurring = np.unique(np.concatenate([label, first, second]))
    return [int(count) for count in np.minimum(broken, fixed)[occurring]]


def unseen_limits(
    table: JointTable, measures: Sequence[Measure], confidence: float, *, few: Sequence[Collection[str]]
) -> list[dict[str, tuple[float, float]]]:
    """Limits for what these rows may not have shown yet: changes of a kind of which few, or none, were seen.

    A bootstrap never draws a row of which it has seen none: where nothing was broken, it is sure that nothing is. As
    the exact limits of a proportion do (Clopper and Pearson 1934, Biometrika 26: of k in n rows the upper one is that
    of Beta(k + 1, n - k)), the lower limit is taken as if one more row had been seen that the challenger breaks, the
    upper one as if it had fixed one more: of a random class; for the second measure, that of classes, of every class.
    Only what `few` names of a measure has such limits. Shares are drawn as Dirichlet (Rubin 1981, The Bayesian
    bootstrap, Annals of Statistics 9). tests/simulation/boundary.py tells how often they hold.
    """
    import numpy as np

    if not any(few):
        return [{} for _ in measures]
    classes = max(table.classes, 2)
    generator, size = np.random.default_rng(SEED), sum(sizes(len(table.counts)))
    drawn = generator.standard_gamma(table.counts, size=(size, len(table.counts)))
    after_drawing = generator.bit_generator.state
    first, second = counts_of_each(table.label, (table.first, table.second), drawn, classes)
    tail, found = (1 - confidence) / 2 * 100, []
    for each_class, (measure, of_few) in enumerate(zip(measures, few, strict=True)):
        found.append(dict[str, tuple[float, float]]())
        if not of_few:
            continue
        generator.bit_generator.state = after_drawing
        actual, mistaken = _one_more(table, classes, size, generator, each_class=bool(each_class))
        right, wrong = (actual, actual, actual), (np.zeros_like(actual), mistaken, actual)
        lower, upper = (
            _minus(measure(*_plus(second, after)), measure(*_plus(first, before)))
            for before, after in ((right, wrong), (wrong, right))
        )
        by_row = {} if each_class else row_by_row(table, measure, drawn, (actual, mistaken))
        for key in of_few:
            ends = [(lower[key], upper[key]), *([by_row[key]] if key in by_row else [])]
            low = min(float(np.percentile(below, tail)) for below, _ in ends)
            found[-1][key] = low, max(float(np.percentile(above, 100 - tail)) for _, above in ends)
    return found


def _one_more(
    table: JointTable, classes: int, size: int, generator: np.random.Generator, *, each_class: bool
) -> tuple[np.ndarray, np.ndarray]:
    """One more row, or one of each class, by its label and by another class: (size, classes) each.

    The classes are those that these rows have or, where that is one alone, all there are.
    """
    import numpy as np

    labels, said = np.unique(table.label), np.unique(np.concatenate([table.label, table.first, table.second]))
    labels, said = (few if len(few) > 1 else np.arange(classes) for few in (labels, said))
    actual, mistaken = np.zeros((size, classes)), np.zeros((size, classes))
    if each_class:
        actual[:, labels] = generator.standard_gamma(1, size=(size, len(labels)))
        return actual, mistaken
    rows, label, weight = np.arange(size), generator.choice(labels, size=size), generator.standard_gamma(1, size=size)
    actual[rows, label] = weight
    place = (np.searchsorted(said, label) + generator.integers(1, len(said), size=size)) % len(said)
    mistaken[rows, said[place]] = weight
    return actual, mistaken


def _plus(counts: tuple[np.ndarray, ...], more: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    return [one + other for one, other in zip(counts, more, strict=True)]


def _minus(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key: one[key] - other[key] for key in one}


def _sides(table: JointTable) -> tuple[bool, bool]:
    """Whether the two sides trade places, so that (a, b) and (b, a) draw the same numbers; whether they are alike."""
    order = [tuple(part) for part in (table.first.tolist(), table.second.tolist())]
    ahead = sorted(zip(table.label.tolist(), order[0], order[1], table.counts.tolist(), strict=True))
    behind = sorted(zip(table.label.tolist(), order[1], order[0], table.counts.tolist(), strict=True))
    return behind < ahead, behind == ahead


def _resamples(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Tables drawn anew, shape (resamples, cells), in pieces that fit into memory."""
    import numpy as np

    share, generator = counts / counts.sum(), np.random.default_rng(SEED)
    for size in sizes(len(counts)):
        yield generator.multinomial(int(counts.sum()), share, size=size)


@dataclass(frozen=True)
class Assessment:
    """Everything tested of one challenger against the baseline. `note` says why nothing was, or on which rows.

    `untested` are the metrics that these rows are too few for, with the reason.
    """

    differences: Mapping[str, Difference] = field(default_factory=dict)
    by_class: Mapping[str, Difference] = field(default_factory=dict)
    pairing: Pairing | None = None
    note: str | None = None
    untested: Mapping[str, str] = field(default_factory=dict)


def assess(
    baseline: RunPredictions | None,
    challenger: RunPredictions | None,
    *,
    confidence: float = 0.95,
    per_class: bool = False,
) -> Assessment:
    """Test a challenger against the baseline on the rows both were tested on; without any there is only the reason."""
    if baseline is None or challenger is None:
        which = "the baseline" if baseline is None else "the challenger"
        return Assessment(note=f"not tested: {which} has no predictions.parquet")
    if baseline.task != challenger.task:
        return Assessment(note=f"not tested: the baseline is of {baseline.task}, the challenger of {challenger.task}")
    pairing = pair(baseline, challenger)
    if not len(pairing):
        return Assessment(
            note="not tested: the runs were tested on different rows, so their numbers are shown side by side only"
        )
    if pairing.task == "regression":
        return _assess_values(baseline, challenger, pairing, confidence)
    same = _same_scores(baseline, challenger, pairing)
    if pairing.groups is not None:
        return _assess_groups((baseline, challenger), pairing, confidence, per_class=per_class, same_model=same)
    tested, by_class = differences(
        joint_table(pairing), pairing.classes if per_class else (), confidence=confidence, same_model=same
    )
    return Assessment(
        {
            **tested,
            **score_differences(baseline, challenger, pairing, confidence=confidence),
        },
        by_class,
        pairing,
        _on_shared_rows(baseline, challenger, pairing),
        _untested(_few(baseline, challenger, pairing)),
    )


def _assess_values(
    baseline: RunPredictions, challenger: RunPredictions, pairing: Pairing, confidence: float
) -> Assessment:
    """`assess` of regression, where the rows come in groups, too."""
    differences, untested = value_differences(pairing, pairing.groups, confidence=confidence)
    if not differences:
        return Assessment(pairing=pairing, note=f"not tested: {next(iter(untested.values()))}", untested=untested)
    return Assessment(differences, {}, pairing, _on_shared_rows(baseline, challenger, pairing), untested)


def _on_shared_rows(baseline: RunPredictions, challenger: RunPredictions, pairing: Pairing) -> str | None:
    if pairing.complete:
        return None
    return (
        f"tested on the {len(pairing):,} rows that both runs have ({len(baseline):,} and {len(challenger):,}):"
        " the changes are for these"
    )


def _assess_groups(
    runs: tuple[RunPredictions, RunPredictions],
    pairing: Pairing,
    confidence: float,
    *,
    per_class: bool,
    same_model: bool,
) -> Assessment:
    """`assess` where the rows come in groups: these are the sample."""
    groups = pairing.groups
    assert groups is not None
    reason = too_few(groups)
    if reason is not None:
        return Assessment(pairing=pairing, note=f"not tested: {reason}")
    found = cluster_differences(pairing, groups, confidence=confidence, same_model=same_model)
    if (few := _few(*runs, pairing)) is None:
        found |= cluster_score_differences(*runs, pairing, groups, confidence=confidence)
    return Assessment(
        found,
        cluster_class_differences(pairing, groups, confidence=confidence, same_model=same_model) if per_class else {},
        pairing,
        _on_shared_rows(*runs, pairing),
        _untested(few),
    )


def _few(baseline: RunPredictions, challenger: RunPredictions, pairing: Pairing) -> str | None:
    """Why the metrics that scores decide are not tested, where both runs have scores."""
    return None if baseline.scores is None or challenger.scores is None else too_few_rows(pairing)


def _untested(few: str | None) -> dict[str, str]:
    return {key: few for key, metric in METRICS.items() if metric.needs == "scores"} if few else {}


def _same_scores(baseline: RunPredictions, challenger: RunPredictions, pairing: Pairing) -> bool:
    """Whether two runs scored every row alike to the last bit, as one model does; labels alone may agree by chance.

    Nor are scores alone enough: models of other thresholds say something else by the same ones.
    """
    import numpy as np

    if not np.array_equal(pairing.first_predicted, pairing.second_predicted):
        return False
    if baseline.scores is None or challenger.scores is None or baseline.score_classes != challenger.score_classes:
        return False
    return np.array_equal(baseline.scores[pairing.first], challenger.scores[pairing.second])


def corrected_for_many(tests: Sequence[Assessment], asked: str | None) -> list[Assessment]:
    """Tests of challengers against one baseline, corrected for being many (`adjusted`): the metric that is `asked`
    about by itself, the other metrics together, and the classes together.
    """
    metrics = adjusted([test.differences for test in tests], asked)
    classes = adjusted([test.by_class for test in tests])
    return [
        replace(test, differences=differences, by_class=by_class)
        for test, differences, by_class in zip(tests, metrics, classes, strict=True)
    ]
