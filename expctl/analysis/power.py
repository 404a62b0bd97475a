"""What test rows can show: the smallest difference they would find, how many rows another takes, and how likely it is.

Values in, values out. By the normal approximation: the standard error of a paired difference, known of n rows, is that
of N rows times the root of N / n, and a true difference is found with probability `POWER` where it is
z(1 - alpha / 2) + z(POWER) standard errors away from none (Lachin 1981, Controlled Clinical Trials 2; for the paired
shares of accuracy it is the formula of Miettinen 1968, Biometrics 24, with one variance for both hypotheses).
tests/simulation/power.py tells how often what is said to be found is found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from expctl.metrics import METRICS

if TYPE_CHECKING:
    from expctl.analysis.difference import Difference

POWER: Final = 0.8
POINT: Final = 0.01

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Power:
    """What so many `rows` tell of a metric whose paired difference has this standard `error` on them.

    `value`: what the baseline has by it.
    """

    metric: str
    rows: int
    error: float
    alpha: float = 0.05
    value: float = 0.0

    @property
    def point(self) -> float:
        """A small difference: a point of a metric that has an end, else a hundredth of its `value`."""
        known = METRICS.get(self.metric)
        bounded = known is None or known.needs != "values" or math.isfinite(known.range[1])
        return POINT if bounded or not self.value else POINT * abs(self.value)

    @property
    def detects(self) -> float:
        """The smallest true difference that these rows find with probability POWER."""
        return self._reach * self.error

    def rows_for(self, difference: float) -> int:
        """How many such rows find a true difference with probability POWER, to two digits."""
        return two_digits(self.rows * (self._reach * self.error / difference) ** 2)

    def of(self, difference: float) -> float:
        """How likely these rows find a true difference: a significant one, on the right side."""
        if not self.error:
            return 1.0
        return _NORMAL.cdf(abs(difference) / self.error - _NORMAL.inv_cdf(1 - self.alpha / 2))

    def with_rows(self, rows: int) -> Power:
        """The same of another number of rows that are drawn like these."""
        return Power(self.metric, rows, self.error * math.sqrt(self.rows / rows), self.alpha, self.value)

    @property
    def _reach(self) -> float:
        return _NORMAL.inv_cdf(1 - self.alpha / 2) + _NORMAL.inv_cdf(POWER)


def two_digits(rows: float) -> int:
    """A number of rows that is estimated, rounded up to two digits; at least 1."""
    unit: int = 10 ** max(0, math.floor(math.log10(max(rows, 1))) - 1)
    return max(math.ceil(rows / unit) * unit, 1)


def power_of(difference: Difference, rows: int) -> Power | None:
    """What the rows of a comparison could have seen, by the width of its interval; None where that is not known.

    By the width alone: the observed difference tells nothing of it (Hoenig and Heisey 2001, American Statistician 55).
    """
    error = (difference.high - difference.low) / 2 / _NORMAL.inv_cdf(1 - difference.alpha / 2)
    if not (math.isfinite(error) and error > 0):
        return None
    return Power(difference.metric, rows, error, difference.alpha, difference.baseline)


def power_beside(
    metric: str, low: float, high: float, rows: int, *, alpha: float = 0.05, value: float = 0.0
) -> Power | None:
    """What a run's test rows could see of another run, by its own 95 % limits; None where these are not known.

    As if the other had limits as wide, and the errors of both were correlated by a half: the paired difference then has
    the standard error of one of them. Models of texts mostly agree more, and are told apart by fewer rows.
    """
    error = (high - low) / 2 / _NORMAL.inv_cdf(0.975)
    return Power(metric, rows, error, alpha, value) if math.isfinite(error) and error > 0 else None
