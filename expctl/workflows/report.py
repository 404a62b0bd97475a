"""What a report tells, read from the store: which runs it is about, and everything about those it compares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeGuard

from expctl.analysis.calibration import calibration
from expctl.analysis.comparison import compare
from expctl.analysis.confusion import confusion
from expctl.analysis.curves import curves
from expctl.analysis.flips import find_flips
from expctl.analysis.predictions import pair
from expctl.analysis.ranking import may_tie, rank, ranking_order
from expctl.analysis.report import Report, Sliced, Tested
from expctl.analysis.significance import corrected_for_many
from expctl.analysis.slices import slice_metrics, slices_of
from expctl.analysis.target_ranges import value_errors
from expctl.filters.expression import NO_SWEEP, all_of, fit_for
from expctl.metrics import USUAL_METRICS, default_metric, metrics_of
from expctl.records import Tag
from expctl.tracking.readers.protocol import Projection
from expctl.tracking.runs.comparison_inputs import read_evidence
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.references import is_set, resolve, resolve_set
from expctl.tracking.runs.row_texts import with_texts
from expctl.workflows.assessment import assess_runs
from expctl.workflows.importance import importance_or_reason
from expctl.workflows.rank import with_correction, with_ties
from expctl.workflows.slices import compared_slices
from expctl.workflows.sweep_plan import Plan
from expctl.workflows.sweep_resume import trials_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.significance import Assessment
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_RUNS: Final = 200  # in the ranking
_NAMED: Final = 6  # runs compared, if they were named one by one
_BEST: Final = 4  # runs compared, if not: the best ones
_FLIPS: Final = 25  # rows of each kind
_TESTED: Final = 10  # runs that are tested against the best one
_HISTORY: Final = 1000  # runs
_TERMS: Final = 15  # of each class
_SLICED: Final = 4  # columns


@dataclass(frozen=True, slots=True)
class Choice:
    """The runs a report is about, in words too. `named`: each was named by itself, so they are compared in this order.

    `total`: how many there are, where that is known and more than were read.
    """

    runs: Sequence[RunRecord]
    subject: str
    metric: str
    named: bool = False
    total: int | None = None


def choose(store: Store, references: Sequence[str], metric: str | None) -> Choice:
    """The runs that references mean, a sweep its trials and a glob or filter its runs; of none, the experiment's best.

    Without a metric that of the first sweep decides, else that of the runs' task. Raises RunNotFound for a reference
    without a run.
    """
    if not references:
        runs: list[RunRecord] = []
        for asked in [metric] if metric is not None else [names[0] for names in USUAL_METRICS.values()]:
            query = store.query(also=all_of(NO_SWEEP, fit_for(asked)), order=ranking_order(asked), limit=_RUNS + 1)
            runs = store.search(query)
            if runs:
                break
        metric = asked if runs else metric or "f1_score"
        return Choice(runs, "all finished runs", metric, total=store.count(query) if len(runs) > _RUNS else None)
    found: dict[str, RunRecord] = {}
    subjects: list[str] = []
    named = True
    for reference in references:
        one = None if is_set(store, reference) else resolve(store, reference)
        if one is None:
            members, subject, named = resolve_set(store, reference), reference, False
        elif Tag.SWEEP in one.tags:
            members, subject, named = trials_of(store, one), f"sweep {one.label}", False
            metric = metric or Plan.of(one).objective
        else:
            members, subject = [one], one.label
        found.update({run.run_id: run for run in members})
        subjects.append(subject)
    return Choice(list(found.values()), _listed(subjects), metric or _usual(found.values()), named)


def choice_of(runs: Sequence[RunRecord], metric: str | None = None) -> Choice:
    """Runs that were named one by one, ranked by their task's metric unless another one is given."""
    unique = list({run.run_id: run for run in runs}.values())
    return Choice(unique, _listed([run.label for run in unique]), metric or _usual(unique), named=True)


def _usual(runs: Iterable[RunRecord]) -> str:
    """The metric of the runs' task, of several that of the first."""
    tasks = [run.task for run in runs]
    return default_metric(tasks[:1]) or "f1_score"


def _listed(subjects: Sequence[str]) -> str:
    return ", ".join([*subjects[:_NAMED], *(["..."] if len(subjects) > _NAMED else [])])


def assemble(store: Store, choice: Choice, *, confidence: float = 0.95) -> Report:
    """Read and compute everything that a report shows of the chosen runs. Raises UsageError, DataError."""
    store.settings.check_margin(choice.metric)
    ranking = rank(choice.runs, choice.metric)
    notes = [f"{count:,} left out of the ranking: {reason}" for reason, count in (ranking.excluded or {}).items()]
    if len(ranking.ranked) > _RUNS:
        notes.append(f"the ranking has the best {_RUNS:,} of {choice.total or len(ranking.ranked):,} runs")
    ranking = replace(ranking, ranked=ranking.ranked[:_RUNS])
    if ranking.ranked:
        ranking = with_ties(
            store, with_correction(store, ranking), may_tie(ranking, _TESTED, store.settings.equal_within)
        )
    if choice.named:
        compared = choice.runs[:_NAMED]
        if len(choice.runs) > _NAMED:
            notes.append(f"the first {_NAMED} of {len(choice.runs):,} runs are compared in detail")
    else:
        compared = ranking.ranked[:_BEST]
    predictions = [read_predictions(store, run) for run in compared]
    known = [one for one in predictions if _has_classes(one)]
    tests = _tests(store, compared, predictions, choice.metric, confidence)
    tested = [_tested(*one) for one in zip(compared[1:], predictions[1:], tests, strict=True)]
    evidence = [read_evidence(store, run, per_class=True) for run in compared]
    return Report(
        experiment="all experiments" if store.names is None else ", ".join(store.names),
        subject=choice.subject,
        made=datetime.now(UTC),
        ranking=ranking,
        comparison=compare(compared, evidence, per_class=True, everything=True) if compared else None,
        tested=tested,
        calibrations=[
            calibration(one, confidence=confidence) if _has_classes(one) else "the run has no predictions of classes"
            for one in predictions
        ],
        curves=[
            "the run has no predictions" if one is None else curves(one) if _has_classes(one) else "it is a regression"
            for one in predictions
        ],
        confusion=confusion(known) if known else None,
        confused=[run for run, one in zip(compared, predictions, strict=True) if _has_classes(one)],
        history=_history(store, choice.metric),
        confidence=confidence,
        notes=notes,
        terms=[importance_or_reason(store, run, top=_TERMS) for run in compared],
        slices=_sliced(compared, predictions, choice.metric, confidence),
        errors=[
            None if one is None or _has_classes(one) else value_errors(one, confidence=confidence)
            for one in predictions
        ],
    )


def _has_classes(predictions: RunPredictions | None) -> TypeGuard[RunPredictions]:
    return predictions is not None and predictions.task == "classification"


def _sliced(
    runs: Sequence[RunRecord], predictions: Sequence[RunPredictions | None], metric: str, confidence: float
) -> list[Sliced]:
    """The slices by each column that the baseline has recorded."""
    known = [(run, one) for run, one in zip(runs, predictions, strict=True) if one is not None]
    if not known or predictions[0] is None:
        return []
    (_, first), *others = known
    found = []
    for column, cells in list(first.slices.items())[:_SLICED]:
        measured = slice_metrics(first, slices_of(cells), confidence=confidence)
        changes = [
            (run, compared_slices(known[0], (run, one), column, metric, confidence=confidence))
            for run, one in others
            if len(pair(first, one)) and metrics_of(first.task).get(metric) is not None
        ]
        found.append(Sliced(column, measured, changes))
    return found


def _tests(
    store: Store,
    runs: Sequence[RunRecord],
    predictions: Sequence[RunPredictions | None],
    metric: str,
    confidence: float,
) -> list[Assessment]:
    recorded = list(zip(runs, predictions, strict=True))
    tests = [assess_runs(store, recorded[0], one, confidence=confidence, per_class=True) for one in recorded[1:]]
    return corrected_for_many(tests, metric)


def _tested(run: RunRecord, predictions: RunPredictions | None, test: Assessment) -> Tested:
    if predictions is None or test.pairing is None:
        return Tested(test)
    flips = find_flips(predictions, test.pairing, most=_FLIPS)
    return Tested(test, flips, with_texts(run, flips.rows))


def _history(store: Store, metric: str) -> list[RunRecord]:
    """The newest finished runs with a metric, oldest first, without what a picture of it does not need."""
    bare = Projection(frozenset(), frozenset({metric}), frozenset(), datasets=False)
    return store.find(also=all_of(NO_SWEEP, fit_for(metric)), limit=_HISTORY, columns=bare)[::-1]
