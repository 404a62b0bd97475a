"""Two sets of runs, such as one recipe with several random states each: mean, spread, and whether they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.difference import Difference
from expctl.metrics import METRICS, is_clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """One metric in two sets of runs. `sd` is None of a single run, and `difference` where either set has only one."""

    metric: str
    means: tuple[float, float]
    deviations: tuple[float | None, float | None]
    counts: tuple[int, int]
    difference: Difference | None


_DATA = (
    *("data_hash", "test_data_hash", "test_size", "split_column"),
    *("dedupe", "group_column", "time_column", "gap"),
)
_UNSAID = (None, None, None, None, "False", None, None, None)  # what a run means by not having it


def compare_groups(
    baseline: Sequence[RunRecord], challenger: Sequence[RunRecord], *, confidence: float = 0.95
) -> list[GroupDifference]:
    """Every metric that both sets have, tested with the runs as the sample, not the test rows.

    Says whether another random state would change the winner. Where the sets have the same random states, once each,
    runs of the same state are paired (Student's t of the differences); else Welch's t (Welch 1947, Biometrika 34).
    Where the random state draws the test rows, the runs share most of their training rows, and the variance of a mean
    does not go to 0 with their number: it is the sample variance times 1 / runs + test rows / training rows (Nadeau and
    Bengio 2003, Inference for the generalization error, Machine Learning 52).
    Neither are runs on different data tested, nor sets in which a run `repeats` another, nor times.
    """
    import numpy as np

    testable = same_data([*baseline, *challenger]) and not repeats(baseline) and not repeats(challenger)
    baseline, challenger, paired = _matched(baseline, challenger)
    overlap = shared_rows([*baseline, *challenger])
    found = []
    for metric in METRICS:
        sides = [
            np.array([run.metrics[metric] for run in side if np.isfinite(run.metrics.get(metric, np.nan))])
            for side in (baseline, challenger)
        ]
        if not all(len(side) for side in sides):
            continue
        one, other = sides
        whole = len(one) == len(baseline) and len(other) == len(challenger)
        deviations = tuple(float(np.sqrt(variance(side))) if len(side) > 1 else None for side in sides)
        found.append(
            GroupDifference(
                metric,
                (mean(one), mean(other)),
                (deviations[0], deviations[1]),
                (len(one), len(other)),
                _tested(metric, one, other, confidence, paired=paired and whole, overlap=overlap)
                if min(len(one), len(other)) > 1 and testable and METRICS[metric].is_quality_metric
                else None,
            )
        )
    return found


def same_data(runs: Sequence[RunRecord]) -> bool:
    """Whether runs were trained and tested on the same data."""
    return len({tuple(map(run.params.get, _DATA, _UNSAID)) for run in runs}) == 1


def shared_rows(runs: Sequence[RunRecord]) -> float:
    """Test rows for each training row where the random state draws them, the largest of the runs; else 0."""
    ratios = [0.0]
    for run in runs:
        known = run.typed_params
        if "time_column" in known:
            continue
        test_size, train, test = (known.get(key) for key in ("test_size", "train_rows", "test_rows"))
        if isinstance(train, int) and isinstance(test, int) and test_size is not None and train:
            ratios.append(test / train)
        elif isinstance(test_size, float) and 0 < test_size < 1:
            ratios.append(test_size / (1 - test_size))
    return max(ratios)


def repeats(runs: Sequence[RunRecord]) -> int:
    """How many runs are another one's training again: the same parameters, and all came out the same but for the times.

    They tell nothing that the other does not, and as a sample have a spread that is too small.
    """
    told = [
        (
            frozenset(run.params.items()),
            frozenset((key, value) for key, value in run.metrics.items() if not is_clock(key)),
        )
        for run in runs
        if run.params
    ]
    return len(told) - len(set(told))


def _matched(
    baseline: Sequence[RunRecord], challenger: Sequence[RunRecord]
) -> tuple[Sequence[RunRecord], Sequence[RunRecord], bool]:
    """Both sets in the order of their random states, and whether these are the same, once each."""
    states = [[run.params.get("random_state") for run in side] for side in (baseline, challenger)]
    if None in states[0] or sorted(map(str, states[0])) != sorted(map(str, states[1])):
        return baseline, challenger, False
    if len(set(states[0])) < len(states[0]):
        return baseline, challenger, False
    ordered = [sorted(side, key=lambda run: run.params["random_state"]) for side in (baseline, challenger)]
    return ordered[0], ordered[1], True


def mean(values: np.ndarray) -> float:
    """The mean; of equal values exactly that value, which a plain sum misses in the last bit."""
    return float(values[0] + (values - values[0]).mean())


def variance(values: np.ndarray) -> float:
    """The sample variance; of equal values exactly 0."""
    return float((values - values[0]).var(ddof=1))


def _tested(
    metric: str, one: np.ndarray, other: np.ndarray, confidence: float, *, paired: bool, overlap: float
) -> Difference:
    """By hand from scipy.special: scipy.stats.ttest_ind and ttest_rel say the same, and take 0.85 s more to import."""
    import numpy as np
    from scipy.special import stdtr, stdtrit

    before, after = mean(one), mean(other)
    change = after - before
    if paired:
        error, freedom = float(np.sqrt(variance(other - one) * (1 / len(one) + overlap))), float(len(one) - 1)
    else:
        parts = [variance(side) * (1 / len(side) + overlap) for side in (one, other)]
        error = float(np.sqrt(sum(parts)))
        spread = sum(part**2 / (len(side) - 1) for part, side in zip(parts, (one, other), strict=True))
        freedom = sum(parts) ** 2 / spread if spread else 1.0
    if error == 0:
        return Difference(metric, before, after, change, change, 1.0 if change == 0 else 0.0, 1 - confidence)
    reach = float(-stdtrit(freedom, (1 - confidence) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(change) / error))
    return Difference(metric, before, after, change - reach, change + reach, p_value, 1 - confidence)
