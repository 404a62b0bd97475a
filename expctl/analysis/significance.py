"""Is the difference between two classifiers real? Paired tests on the rows both were tested on.

The joint table of (label, prediction A, prediction B) counts is a sufficient statistic for every metric that labels
decide, so the paired bootstrap draws that table anew (multinomial) in place of the rows. Everything is deterministic
and mirrors: what is said of (a, b) is said, with the signs turned, of (b, a).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED, metrics_from_counts
from expctl.analysis.difference import Difference, evened, mcnemar_p, mirrored, resampled_difference
from expctl.analysis.predictions import Pairing, RunPredictions, pair
from expctl.analysis.scores import score_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np

    Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, np.ndarray]]

_CELLS_DRAWN: Final = 4_000_000  # cells times resamples: 0.2 s
_RESAMPLES: Final = (150, 10_000)
_CHUNK: Final = 4_000_000


@dataclass(frozen=True)
class JointTable:
    """Counts of rows by (label, prediction of A, prediction of B): the cells that occur, shape (cells,) each."""

    label: np.ndarray
    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray
    classes: int

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts.sum())


def joint_table(pairing: Pairing) -> JointTable:
    """Count the paired rows."""
    import numpy as np

    size = len(pairing.classes)
    codes = (pairing.labels * size + pairing.first_predicted) * size + pairing.second_predicted
    cells, counts = np.unique(codes, return_counts=True)
    rest, second = np.divmod(cells, size)
    label, first = np.divmod(rest, size)
    return JointTable(label, first, second, counts, size)


def paired_differences(table: JointTable, *, confidence: float = 0.95) -> dict[str, Difference]:
    """Every metric that labels decide, challenger (second) minus baseline (first), by the paired bootstrap.

    Percentile intervals, expanded for few rows; p-values by the share of resamples on the other side of zero, for
    accuracy by McNemar's exact test. Raises ValueError for an empty table.
    Source: Efron and Tibshirani 1993, chapter 13; McNemar 1947, Psychometrika 12.
    """
    if not len(table.counts):
        raise ValueError("no rows to compare")
    found = _resampled(table, metrics_from_counts, confidence)
    right_before, right_after = table.first == table.label, table.second == table.label
    broken = int(table.counts[right_before & ~right_after].sum())
    fixed = int(table.counts[right_after & ~right_before].sum())
    exact = mcnemar_p(broken, fixed)
    for key in ("accuracy", "recall"):  # weighted recall is accuracy
        found[key] = replace(found[key], p_value=exact)
    return found


def class_differences(table: JointTable, classes: Sequence[str], *, confidence: float = 0.95) -> dict[str, Difference]:
    """F1 of each class, challenger (second) minus baseline (first), by the same bootstrap. Keys are the classes."""

    def class_f1(hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> dict[str, np.ndarray]:
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            f1 = np.where(predicted + actual > 0, 2 * hits / (predicted + actual), 0.0)
        return {name: f1[:, i] for i, name in enumerate(classes)}

    return {name: replace(one, metric="f1_score") for name, one in _resampled(table, class_f1, confidence).items()}


def _resampled(table: JointTable, measure: Measure, confidence: float) -> dict[str, Difference]:
    """The difference of everything `measure` computes from class counts, by the paired bootstrap."""
    import numpy as np

    turned, even = _sides(table)
    first, second = (table.second, table.first) if turned else (table.first, table.second)
    order = np.lexsort((second, first, table.label))
    label, first, second, counts = table.label[order], first[order], second[order], table.counts[order]
    points = [measure(*_counts(label, part, counts[None, :], table.classes)) for part in (first, second)]
    informative = int(counts[first != second].sum())
    drawn: dict[str, list[np.ndarray]] = {}
    for resample in _resamples(counts):
        one, other = (measure(*_counts(label, part, resample, table.classes)) for part in (first, second))
        for key in one:
            drawn.setdefault(key, []).append(other[key] - one[key])
    found: dict[str, Difference] = {}
    for key, parts in drawn.items():
        before, after = float(points[0][key][0]), float(points[1][key][0])
        difference = resampled_difference(
            key, before, after, np.concatenate(parts), confidence, informative=informative
        )
        found[key] = evened(difference) if even else mirrored(difference) if turned else difference
    return found


def _sides(table: JointTable) -> tuple[bool, bool]:
    """Whether the two sides trade places, so that (a, b) and (b, a) draw the same numbers; whether they are alike."""
    order = [tuple(part) for part in (table.first.tolist(), table.second.tolist())]
    ahead = sorted(zip(table.label.tolist(), order[0], order[1], table.counts.tolist(), strict=True))
    behind = sorted(zip(table.label.tolist(), order[1], order[0], table.counts.tolist(), strict=True))
    return behind < ahead, behind == ahead


def _resamples(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Tables drawn anew, shape (resamples, cells), in pieces that fit into memory."""
    import numpy as np

    least, most = _RESAMPLES
    left = int(min(most, max(least, _CELLS_DRAWN // len(counts))))
    share = counts / counts.sum()
    generator = np.random.default_rng(SEED)
    while left:
        size = min(left, max(1, _CHUNK // len(counts)))
        yield generator.multinomial(int(counts.sum()), share, size=size)
        left -= size


def _counts(label: np.ndarray, predicted: np.ndarray, drawn: np.ndarray, classes: int) -> tuple[np.ndarray, ...]:
    """(hits, predicted, actual) by class, each of shape (resamples, classes), for `metrics_from_counts`."""
    hit = label == predicted
    return (
        _summed(drawn[:, hit], label[hit], classes),
        _summed(drawn, predicted, classes),
        _summed(drawn, label, classes),
    )


def _summed(drawn: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Columns of `drawn` added up by group, shape (resamples, groups)."""
    import numpy as np

    sums = np.zeros((len(drawn), groups))
    if len(group):
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        sums[:, present] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return sums


@dataclass(frozen=True)
class Assessment:
    """Everything tested of one challenger against the baseline. `note` says why something was not, or on which rows."""

    differences: Mapping[str, Difference] = field(default_factory=dict)
    by_class: Mapping[str, Difference] = field(default_factory=dict)
    pairing: Pairing | None = None
    note: str | None = None


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
    pairing = pair(baseline, challenger)
    if not len(pairing):
        return Assessment(
            note="not tested: the runs were tested on different rows, so their numbers are shown side by side only"
        )
    table = joint_table(pairing)
    return Assessment(
        {
            **paired_differences(table, confidence=confidence),
            **score_differences(baseline, challenger, pairing, confidence=confidence),
        },
        class_differences(table, pairing.classes, confidence=confidence) if per_class else {},
        pairing,
        None
        if pairing.complete
        else f"tested on the {len(pairing):,} rows that both runs have ({len(baseline):,} and {len(challenger):,}):"
        " the changes are for these",
    )
