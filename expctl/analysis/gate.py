"""The gate: may a candidate take the baseline's place? A comparison that cannot be made never reads as a pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from expctl.analysis.power import two_digits
from expctl.analysis.slices import OTHER
from expctl.metrics import higher_is_better
from expctl.wording import agree, listed, metric_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.difference import Difference
    from expctl.analysis.slices import SliceDifference

_NAMED: Final = 3  # slices
_HOPELESS: Final = 30  # times that limits may have to narrow: a thousand times the rows

Outcome = Literal["pass", "regression", "undecided"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided and why, in one sentence."""

    outcome: Outcome
    reason: str


def decide(
    metric: str,
    candidate: float | None,
    difference: Difference | str,
    *,
    max_drop: float,
    least: float | None,
    rows: int | None = None,
    grouped: bool = False,
) -> Decision:
    """Decide on a metric, where `difference` is candidate minus baseline, or why there is none.

    Passes when the candidate's loss is surely below `max_drop`, fails when it is surely above, at the confidence of
    the interval; between the two it is undecided. Losses are counted in the metric's own direction. `least`, if given,
    is a bound the candidate's value must keep: from below, for metrics of which less is better from above. Where they
    were too few, the test `rows` tell how many would do, were the change to stay as it is: not said of a loss, nor
    where rows come in groups (`grouped`), of which the number counts.
    """
    sign = 1 if higher_is_better(metric) else -1
    if math.isnan(max_drop) or (least is not None and math.isnan(least)):
        return Decision("undecided", "a limit of the gate is not a number")
    if candidate is None or not math.isfinite(candidate):
        return Decision("undecided", f"the candidate has no {metric}")
    if least is not None and sign * (candidate - least) < 0:
        return Decision(
            "regression", f"{metric} {metric_text(candidate)} is {'below' if sign > 0 else 'above'} {least:g}"
        )
    if isinstance(difference, str):
        return Decision("undecided", difference)
    if any(math.isnan(value) for value in (difference.change, difference.low, difference.high)):
        return Decision("undecided", f"the difference in {metric} is not a number")
    low, high = (difference.low, difference.high) if sign > 0 else (-difference.high, -difference.low)
    limits = f"{metric} changes by {_by(difference)}"
    if low > 0 and (max_drop == 0 or difference.p_value < difference.alpha):
        return Decision("pass", f"{limits}: significantly better")
    if low > -max_drop:
        return Decision("pass", f"{limits}: the loss is below {max_drop:g}")
    if high < -max_drop:
        worse = f"the loss is above {max_drop:g}" if max_drop else "significantly worse"
        return Decision("regression", f"{limits}: {worse}")
    open_ = f"the loss may or may not exceed {max_drop:g}" if max_drop else "it may or may not be better"
    change = sign * difference.change
    enough = None if grouped or change < 0 else _enough(rows, change + max_drop, change - low)
    needed = f"more {'groups of ' if grouped else ''}test rows are needed"
    if enough is not None:
        needed = f"if the change stayed so, some {enough:,} test rows, not {rows:,}, would decide"
    return Decision("undecided", f"{limits}: {open_}; {needed}")


def with_slices(
    decision: Decision, metric: str, column: str, slices: Sequence[SliceDifference], *, max_drop: float
) -> Decision:
    """The decision, unless a slice by `column` surely loses more than `max_drop`: then it is a regression.

    Limits of the slices must hold for all of them at once. A slice that may or may not lose so much does not decide.
    """
    if decision.outcome == "regression":
        return decision
    sign = 1 if higher_is_better(metric) else -1
    tested = [(one.name, one.difference) for one in slices if one.difference is not None]
    lost = [(sign * one.change, name, one) for name, one in tested if max(sign * one.low, sign * one.high) < -max_drop]
    if not lost:
        may = [name for name, one in tested if min(sign * one.low, sign * one.high) < -max_drop]
        unlost = _unlost(slices, max_drop) + (f", but {_some(may)} may: too few rows to tell" if may else "")
        return Decision(decision.outcome, f"{decision.reason}; no slice by {column} {unlost}")
    _, name, worst = min(lost, key=lambda one: one[0])
    more = f", and so in {len(lost) - 1} more" if len(lost) > 1 else ""
    return Decision(
        "regression",
        f"where {column} is {name}, {metric} changes by {_by(worst)}: the loss is above {max_drop:g}{more}",
    )


def _by(difference: Difference) -> str:
    """How much a metric changes, with the limits."""
    change, low, high = (metric_text(one, "+") for one in (difference.change, difference.low, difference.high))
    return f"{change} ({low} to {high})"


def _some(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    more = len(names) - _NAMED
    return listed([*names[:_NAMED], f"{more} more"] if more > 1 else names)


def _unlost(slices: Sequence[SliceDifference], max_drop: float) -> str:
    """What is said of no slice: that it loses too much, and how many could; where none could, that."""
    tested = [one.name for one in slices if one.difference is not None]
    if all(name == OTHER for name in tested):
        return "has enough rows" + (f": only {OTHER} was tested" if tested else "")
    said = f"surely loses more than {max_drop:g}"
    if len(tested) == len(slices):
        return said
    return f"{said} ({len(tested)} of {len(slices)} slices {agree(len(tested), 'has', 'have')} enough rows)"


def _enough(rows: int | None, margin: float, reach: float) -> int | None:
    """How many rows would decide of a change so far above the limit: limits narrow as the square root of the rows.

    To two digits, as it is a guess; None where the rows are not known, or no number that anybody has would do.
    """
    if not rows or margin * _HOPELESS <= reach:
        return None
    return max(two_digits(rows * (reach / margin) ** 2), rows + 1)
