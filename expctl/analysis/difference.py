"""A difference on one metric, with how sure it is: intervals, p-values, verdicts, correction for several tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from expctl.metrics import higher_is_better

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

Verdict = Literal["better", "worse", "equal", "no clear difference"]

_NO_FLOAT: Final = 380  # exp of twice as much below 0 is 0
_FOR_PERCENTILES: Final = 1_000  # from fewer resamples only the standard error is taken, of an estimate then normal


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus baseline on one metric, over the rows both were tested on.

    `low` and `high` limit `change` at the chosen confidence. `p_value` is two-sided and, where several things
    were compared, adjusted by Holm's method; `many` says how many these were. `alpha` is 1 - confidence. Changes within
    the `margin`, in the unit of the metric, are practically none.
    """

    metric: str
    baseline: float
    challenger: float
    low: float
    high: float
    p_value: float
    alpha: float = 0.05
    margin: float = 0.0
    many: int = 1

    @property
    def change(self) -> float:
        """Challenger minus baseline."""
        return self.challenger - self.baseline

    @property
    def verdict(self) -> Verdict:
        """In words, by the direction of the metric: sure at the chosen confidence, or no clear difference.

        `equal`: the whole interval is within the margin, surely a difference or not: two one-sided tests at half
        of alpha each (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). Of several things compared
        the interval is that of Bonferroni.
        """
        if self._within_margin():
            return "equal"
        sure = self.p_value < self.alpha and (self.low > 0 or self.high < 0)
        if not sure:
            return "no clear difference"
        return "better" if (self.low > 0) == higher_is_better(self.metric) else "worse"

    def _within_margin(self) -> bool:
        from statistics import NormalDist

        if not self.margin:
            return False
        wider = 1.0
        if self.many > 1:
            wider = NormalDist().inv_cdf(self.alpha / 2 / self.many) / NormalDist().inv_cdf(self.alpha / 2)
        low, high = (self.change + (limit - self.change) * wider for limit in (self.low, self.high))
        return -self.margin < low and high < self.margin


def resampled_difference(
    metric: str, baseline: float, challenger: float, drawn: np.ndarray, confidence: float, *, informative: int
) -> Difference:
    """Percentile interval and p-value of a resampled difference, expanded for few `informative` rows.

    The rows on which both models say the same are constant in every resample: as many as differ are the sample. For
    so few the percentiles are too narrow; they are moved out to where Student's t would put them, and the p-value
    with them. Source: Hesterberg 2015, What teachers should know about the bootstrap, The American Statistician 69.
    """
    import numpy as np
    from scipy.special import ndtri, stdtr

    if len(drawn) < _FOR_PERCENTILES:
        return normal_difference(metric, baseline, challenger, float(drawn.std(ddof=1)), confidence)
    freedom = max(informative - 1, 1)
    wider = np.sqrt((freedom + 1) / freedom)
    tail = expanded_tail(freedom, confidence) * 100
    low, high = np.percentile(drawn, [tail, 100 - tail])
    # Half of the ties counts for each side; the 1 keeps a p-value of finitely many resamples above 0.
    ties = (drawn == 0).sum()
    below, above = (drawn < 0).sum() + ties / 2, (drawn > 0).sum() + ties / 2
    share = min(0.5, float((min(below, above) + 1) / (len(drawn) + 1)))
    p_value = float(2 * stdtr(freedom, ndtri(share) / wider))
    if not min(below, above):  # beyond what so many resamples can count: the tail of Student's t
        error = float(drawn.std(ddof=1)) * wider
        p_value = min(p_value, float(2 * stdtr(freedom, -abs(challenger - baseline) / error)) if error else p_value)
    return Difference(metric, baseline, challenger, float(low), float(high), p_value, 1 - confidence)


def expanded_tail(freedom: float, confidence: float) -> float:
    """The share below a percentile that stands where Student's t would put the limit. Source: Hesterberg 2015."""
    import numpy as np
    from scipy.special import ndtr, stdtrit

    wider = np.sqrt((freedom + 1) / freedom)
    return float(ndtr(wider * stdtrit(freedom, (1 - confidence) / 2)))


def normal_difference(metric: str, baseline: float, challenger: float, error: float, confidence: float) -> Difference:
    """The difference of an estimate that is normal with this standard error, as it is when the rows are very many."""
    from statistics import NormalDist

    change, normal = challenger - baseline, NormalDist()
    reach = normal.inv_cdf(0.5 + confidence / 2) * error
    p_value = 2 * normal.cdf(-abs(change) / error) if error else 1.0
    return Difference(metric, baseline, challenger, change - reach, change + reach, p_value, 1 - confidence)


def mirrored(difference: Difference) -> Difference:
    """The same difference, with baseline and challenger in each other's place."""
    return replace(
        difference,
        baseline=difference.challenger,
        challenger=difference.baseline,
        low=0.0 - difference.high,  # never -0.0
        high=0.0 - difference.low,
    )


def evened(difference: Difference) -> Difference:
    """The difference of models that look the same from either side: its drawn limits, off by chance, made so too."""
    reach = (difference.high - difference.low) / 2
    return replace(difference, low=0.0 - reach, high=reach)  # never -0.0


def with_margin(differences: Mapping[str, Difference], margin: float) -> dict[str, Difference]:
    """The differences, each with the margin within which a change is practically none."""
    return {key: replace(one, margin=margin) for key, one in differences.items()}


def mcnemar_p(broken: int, fixed: int) -> float:
    """McNemar's exact test, two-sided: are `fixed` of `broken + fixed` changed rows a fair coin's?

    Equal to scipy's `binomtest(fixed, broken + fixed).pvalue`, without importing scipy.stats for it.
    """
    from math import exp, isqrt, lgamma, log

    changed, fewer = broken + fixed, min(broken, fixed)
    if broken == fixed:
        return 1.0
    # Terms before are 0 as floats: that of k is at most exp(-2 (changed / 2 - k)^2 / changed) (Hoeffding 1963).
    least = max(0, changed // 2 - isqrt(_NO_FLOAT * changed) - 1)
    counts = range(least, fewer + 1)
    logs = (lgamma(changed + 1) - lgamma(k + 1) - lgamma(changed - k + 1) - changed * log(2) for k in counts)
    return min(1.0, 2 * sum(map(exp, logs)))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for as many tests, in their order. Source: Holm 1979, Scandinavian Journal of Statistics 6.

    By hand: statsmodels is no dependency, and scipy.stats, which has no Holm, takes 0.85 s to import.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for place, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = least
    return adjusted


def adjusted(differences: Sequence[Mapping[str, Difference]], asked: str | None = None) -> list[dict[str, Difference]]:
    """The differences of several challengers from one baseline, their p-values adjusted by Holm's method.

    What is `asked` about is corrected for the number of challengers; all else together, for that and for being many:
    of nine metrics, or 77 classes, one differs by chance sooner or later.
    """
    result = [dict(one) for one in differences]
    places = [(one, key) for one in result for key in one]
    for family in ([at for at in places if at[1] == asked], [at for at in places if at[1] != asked]):
        for (one, key), p_value in zip(family, holm([one[key].p_value for one, key in family]), strict=True):
            one[key] = replace(one[key], p_value=p_value, many=len(family))
    return result
