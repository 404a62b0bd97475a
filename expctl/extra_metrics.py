"""Metrics of the user's own: how they are named on a command line and on a run. Imports none of their code.

Which way such a metric is better stands in its name, as in scikit-learn (`..._score`, `..._loss`): whoever reads the
run, by whatever program, needs nothing else. So a function of which less is better gets a name that says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from expctl.errors import UsageError
from expctl.metrics import METRICS, higher_is_better

Direction = Literal["higher", "lower"]

_SPELLED: Final = re.compile(r"(?P<path>[^\W\d][\w.]*:(?P<name>[^\W\d]\w*))(?::(?P<direction>higher|lower))?")
_EXAMPLE: Final = "--extra-metric package.module:function, or package.module:function:lower"


@dataclass(frozen=True, slots=True)
class ExtraMetric:
    """One as it was asked for: `path` is package.module:function; no direction where nobody said which is better."""

    path: str
    name: str
    direction: Direction | None = None


def read_extra_metrics(text: str) -> list[ExtraMetric]:
    """Those that a text names, with commas between. Raises UsageError for one that is none, or comes twice."""
    found = []
    for word in text.split(","):
        match = _SPELLED.fullmatch(word.strip())
        if match is None:
            raise UsageError(f"--extra-metric {word.strip()!r} names no function", hint=_EXAMPLE)
        direction: Direction | None = None if match["direction"] is None else _direction(match["direction"])
        found.append(ExtraMetric(match["path"], match["name"], direction))
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise UsageError(f"--extra-metric gives {one.name!r} twice", hint="a run has one metric of a name")
    return found


def possible_names(text: str | None) -> dict[str, ExtraMetric]:
    """Those that a text names, by the names that a run may have them under.

    Where only the function itself says which way is better, these are two.
    """
    found: dict[str, ExtraMetric] = {}
    for one in [] if text is None else read_extra_metrics(text):
        try:
            found[recorded_name(one)] = one
        except UsageError:
            found |= dict.fromkeys((one.name, f"{one.name}_loss"), one)
    return found


def spelled(metric: ExtraMetric) -> str:
    """A metric as it is asked for."""
    return metric.path if metric.direction is None else f"{metric.path}:{metric.direction}"


def _direction(word: str) -> Direction:
    return "lower" if word == "lower" else "higher"


def recorded_name(metric: ExtraMetric, greater_is_better: object = None) -> str:
    """The name that a run has the metric under: of one of which less is better, ending in `_loss` if need be.

    `greater_is_better` is what the function says of itself, if anything; the user's word goes before it.
    Raises UsageError where nobody says which is better, and for a name that means something else.
    """
    name, higher = metric.name, higher_is_better(metric.name)
    own = None if greater_is_better is None else "higher" if greater_is_better else "lower"
    said = metric.direction or own
    if said is None and higher and not name.endswith("_score"):
        raise UsageError(
            f"{metric.path}: is a higher or a lower value better?",
            hint=f"--extra-metric {metric.path}:higher or {metric.path}:lower",
        )
    if said == "higher" and not higher:
        raise UsageError(f"{metric.path}: its name says that lower is better", hint="give the function another name")
    key = f"{name}_loss" if said == "lower" and higher else name
    if key in METRICS or key.startswith("cv_") or key.endswith(("_low", "_high", "_std", "_mean")):
        raise UsageError(f"{metric.path}: {key} means something else on a run", hint="give the function another name")
    return key
