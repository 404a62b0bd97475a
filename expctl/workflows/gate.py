"""The gate's question of two recorded runs: may the one take the other's place? Reads their predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.flips import find_flips
from expctl.analysis.gate import Decision, decide, with_slices
from expctl.analysis.significance import corrected_for_many
from expctl.errors import RunNotFound, closest
from expctl.metrics import METRICS, default_metric, nearest, quality_metrics
from expctl.tracking.runs.predictions import read_predictions
from expctl.workflows.assessment import assess_runs
from expctl.workflows.repeats import refuse_set
from expctl.workflows.slices import compared_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.difference import Difference
    from expctl.analysis.flips import Flip
    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.significance import Assessment
    from expctl.analysis.slices import SliceDifference
    from expctl.records import RunRecord
    from expctl.tracking.store import Store


@dataclass(frozen=True)
class Judgement:
    """The metric and the decision by it, the tests it stands on, what the candidate predicted, the difference that
    decided, if any, and the slices that were asked for.
    """

    metric: str
    decision: Decision
    test: Assessment
    predictions: RunPredictions | None
    difference: Difference | None = None
    slices: Sequence[SliceDifference] = ()

    def broken(self, candidate: RunRecord, most: int) -> list[tuple[Flip, str | None]]:
        """The rows that the candidate broke, at most so many, with their texts, where the data still has them."""
        from expctl.tracking.runs.row_texts import with_texts

        if self.predictions is None or self.test.pairing is None:
            return []
        flips = find_flips(self.predictions, self.test.pairing, most=most).rows
        return list(with_texts(candidate, [flip for flip in flips if flip.kind in ("broken", "larger error")]))


def judge(
    store: Store,
    baseline: RunRecord,
    candidate: RunRecord,
    metric: str | None = None,
    *,
    max_drop: float,
    least: float | None = None,
    confidence: float = 0.95,
    by: str | None = None,
    max_drop_slice: float = 0.05,
) -> Judgement:
    """Decide between two runs (see `decide`), on the test rows of both, which must be the same.

    Without a metric that of the candidate's task decides.
    With `by`, a column, no slice of the rows may surely lose more than `max_drop_slice` either.
    A metric that neither has may be called like one that can be tested, which is then taken.
    Raises RunNotFound for any other that neither has, and for a set over random states, DataError.
    """
    runs = (baseline, candidate)
    refuse_set(store, *runs)
    metric = metric or default_metric([candidate.task]) or "f1_score"
    known = quality_metrics(candidate.task)
    if metric not in METRICS and not any(metric in run.metrics for run in runs):
        metric = nearest(metric, known, store.note)
    if metric not in METRICS and not any(metric in run.metrics for run in runs):
        guess = closest(metric, [*known, *candidate.metrics])
        raise RunNotFound(f"the gate cannot test {metric!r}{guess}", hint=f"--metric {', '.join(known)}")
    before, after = (read_predictions(store, run) for run in runs)
    test = assess_runs(store, (baseline, before), (candidate, after), confidence=confidence)
    (test,) = corrected_for_many([test], metric)
    whole = test.pairing is not None and test.pairing.complete
    difference = test.differences.get(metric) if whole else None
    apart = "the runs were tested on different rows: the gate needs the same" if test.pairing and not whole else None
    decision = decide(
        metric,
        candidate.metrics.get(metric, None if difference is None else difference.challenger),
        difference
        or apart
        or test.note
        or test.untested.get(metric, f"{metric} cannot be tested on these predictions"),
        max_drop=max_drop,
        least=least,
        rows=None if test.pairing is None else len(test.pairing),
        grouped=test.pairing is not None and test.pairing.groups is not None,
    )
    if by is None or before is None or after is None or not whole:
        return Judgement(metric, decision, test, after, difference)
    slices = compared_slices((baseline, before), (candidate, after), by, metric, confidence=confidence, together=True)
    decision = with_slices(decision, metric, by, slices, max_drop=max_drop_slice)
    return Judgement(metric, decision, test, after, difference, slices)
