"""What a report shows, as values: runs in their ranking, and some of them compared in detail with the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from expctl.analysis.calibration import Calibration
    from expctl.analysis.comparison import Comparison
    from expctl.analysis.confusion import Confusion
    from expctl.analysis.curves import Curves
    from expctl.analysis.flips import Flip, Flips
    from expctl.analysis.importance import Importance
    from expctl.analysis.ranking import Ranking
    from expctl.analysis.significance import Assessment
    from expctl.analysis.slices import SliceDifference, SliceMetrics
    from expctl.analysis.target_ranges import ValueErrors
    from expctl.records import RunRecord


@dataclass(frozen=True, slots=True)
class Tested:
    """What a challenger changed against the baseline: tests, and the rows that flipped, with texts where known."""

    assessment: Assessment
    flips: Flips | None = None
    texts: Sequence[tuple[Flip, str | None]] = ()


@dataclass(frozen=True, slots=True)
class Sliced:
    """The test rows in slices by a column: what the baseline scores on each, and what each challenger changes there.

    `changes` are by challenger, with its run; none of one that was tested on other rows.
    """

    column: str
    measured: Sequence[SliceMetrics]
    changes: Sequence[tuple[RunRecord, Sequence[SliceDifference]]] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report draws. Of the compared runs, those of `comparison`, the first is the baseline.

    `tested` has an entry a challenger and `curves` one a compared run (a text: why there are none). `confusion` is of
    the compared runs with predictions, `confused`. `history`: the experiment's finished runs with the metric, oldest
    first.
    `notes` tell what was left out. `terms` are those of the compared runs that speak for each class (a text: why none),
    `calibrations` how well their probabilities fit.
    `slices` are by the columns that the baseline has recorded. `errors` are those of compared runs that are
    regressions, None of any other one.
    """

    experiment: str
    subject: str
    made: datetime
    ranking: Ranking
    comparison: Comparison | None
    tested: Sequence[Tested]
    curves: Sequence[Curves | str]
    confusion: Confusion | None
    confused: Sequence[RunRecord]
    history: Sequence[RunRecord]
    confidence: float
    notes: Sequence[str] = ()
    terms: Sequence[Importance | str] = ()
    calibrations: Sequence[Calibration | str] = ()
    slices: Sequence[Sliced] = ()
    errors: Sequence[ValueErrors | None] = ()
