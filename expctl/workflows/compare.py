"""`compare`: single runs with the first of them, two sets of runs by their means, or the rows that two runs changed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.comparison import compare as compare_runs
from expctl.analysis.difference import adjusted
from expctl.analysis.flips import find_flips
from expctl.analysis.groups import compare_groups, repeats, same_data
from expctl.analysis.predictions import pair
from expctl.analysis.significance import assess, corrected_for_many
from expctl.errors import RunNotFound, UsageError, closest
from expctl.metrics import METRICS, default_metric, known_metrics, nearest, quality_metrics, without_metric
from expctl.tracking.runs.comparison_inputs import read_evidence
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.references import resolve_set
from expctl.workflows.assessment import assess_runs
from expctl.workflows.compare_code import compare_code, distances
from expctl.workflows.repeats import is_repeated, members, noise_of
from expctl.workflows.slices import compared_slices, usual_of_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.comparison import Comparison
    from expctl.analysis.flips import Flip, Flips
    from expctl.analysis.groups import GroupDifference
    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.significance import Assessment
    from expctl.analysis.slices import SliceDifference
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.workflows.compare_code import ComparedCode
    from expctl.workflows.repeats import Noise


EVERY_METRIC: Final = "all"
MANY: Final = 4  # runs, the baseline among them, that are compared by one metric unless more are asked for


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Which runs, the baseline first, and what of them, `everything` or what differs.

    Without a metric, many runs are compared by one; EVERY_METRIC is all of them. `flips`: rows of each kind, or with
    `every_flip` all of them. `report`: a report of them is wanted too; `code`: their code, and nothing else; `by`: the
    slices by this column, and nothing else.
    """

    runs: Sequence[str]
    metric: str | None = None
    everything: bool = False
    per_class: bool = False
    flips: int | None = None
    every_flip: bool = False
    report: bool = False
    code: bool = False
    confidence: float = 0.95
    by: str | None = None

    def __post_init__(self) -> None:
        if len(self.runs) < 2:
            raise UsageError("compare needs at least two runs", hint="expctl compare latest~1 latest")
        if self.flips is not None and len(self.runs) != 2:
            raise UsageError("--flips compares two runs", hint="expctl compare RUN RUN --flips 5")
        if self.by is not None:
            _check_slices(self)
        if self.code and len(self.runs) != 2:
            raise UsageError("--code compares two runs", hint="expctl compare RUN RUN --code")
        if self.code and (self.flips is not None or self.per_class or self.report or self.metric is not None):
            raise UsageError("--code shows the code alone", hint="leave out --metric, --per-class, --flips, --report")


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Runs side by side; `tests` has one entry for each but the first.

    `metric` is the one that decides in a word; None of runs without any. `noise`: how it varies over the random
    states of the first run that is one of a set.
    """

    runs: Sequence[RunRecord]
    comparison: Comparison
    tests: Sequence[Assessment]
    metric: str | None
    noise: Noise | None = None

    @property
    def repeated(self) -> RunRecord | None:
        """A run that is compared with itself: two references mean it."""
        ids = [run.run_id for run in self.runs]
        return next((run for run in self.runs if ids.count(run.run_id) > 1), None)


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """The rows that the second of two runs broke and fixed, with their texts, where the data still has them."""

    runs: Sequence[RunRecord]
    flips: Flips
    rows: Sequence[tuple[Flip, str | None]]


@dataclass(frozen=True, slots=True)
class ComparedSlices:
    """What the second of two runs changes by a metric on each slice by a column."""

    runs: Sequence[RunRecord]
    metric: str
    column: str
    slices: Sequence[SliceDifference]


@dataclass(frozen=True, slots=True)
class ComparedSets:
    """Two sets of runs by their means; `note` says why they are not tested, or what the test does not tell."""

    names: tuple[str, str]
    groups: Sequence[GroupDifference]
    note: str | None


def _check_slices(request: CompareRequest) -> None:
    """Raise UsageError for slices that are asked for with what they do not go with."""
    if len(request.runs) != 2:
        raise UsageError("--by compares two runs", hint="expctl compare RUN RUN --by COLUMN")
    if request.code or request.per_class or request.report or request.flips is not None or request.everything:
        raise UsageError("--by shows the slices alone", hint="leave out --code, --per-class, --flips, --report, --all")
    known = [*quality_metrics("classification"), *quality_metrics("regression")]
    if request.metric is not None and request.metric not in known:
        guess = closest(request.metric, known)
        raise UsageError(f"no slices by {request.metric!r}{guess}", hint=f"--metric {', '.join(known)}")


def compare(
    store: Store, request: CompareRequest
) -> ComparedRuns | ComparedRows | ComparedSlices | ComparedSets | ComparedCode:
    """Compare what the references of a request mean. Raises UsageError, RunNotFound, DataError."""
    store.settings.check_margin(None if request.metric == EVERY_METRIC else request.metric)
    matched = [_meant(store, run) for run in request.runs]  # a glob or a filter that fits one run means that run
    if any(len(runs) > 1 for runs in matched):
        return _sets(request, matched, store.settings.equal_within)
    runs = [run for (run,) in matched]
    if request.code:
        return compare_code(store, runs)
    if request.by is not None:
        return _slices(store, runs, request, request.by)
    known = known_metrics(key for run in runs for key in run.metrics)
    usual = default_metric(run.task for run in runs)  # of two tasks there is none
    if usual is not None and usual not in known:
        usual = next(iter(known), None)
    metric = None if request.metric == EVERY_METRIC else request.metric
    if request.metric is None and len(runs) >= MANY:
        metric = usual
    present = {key for run in runs for key in run.metrics}
    if metric is not None:
        metric = nearest(metric, present, store.note)
    measurable = quality_metrics("classification") + quality_metrics("regression")  # of recorded predictions
    if metric is not None and metric not in present and metric not in measurable:
        raise without_metric("none of these runs has", metric, present)
    predictions = [read_predictions(store, run) for run in runs]
    per_class = request.per_class
    recorded = list(zip(runs, predictions, strict=True))
    tests = [
        assess_runs(store, recorded[0], one, confidence=request.confidence, per_class=per_class) for one in recorded[1:]
    ]
    if request.flips is not None:
        return _rows(runs, predictions[1], tests[0], None if request.every_flip else request.flips)
    runs = _completed(runs, tests, metric)
    if metric is not None and not any(metric in run.metrics for run in runs):
        raise without_metric("none of these runs has", metric, present)
    tests = corrected_for_many(tests, metric or usual)
    evidence = [read_evidence(store, run, per_class=per_class) for run in runs]
    comparison = compare_runs(
        runs,
        evidence,
        metric=metric,
        everything=request.everything,
        per_class=per_class,
        experiments=store.several,
        distances=distances(runs),
    )
    if all(test.pairing is not None and test.pairing.complete for test in tests):
        comparison = replace(comparison, same_test_set=True)  # of models that read other columns, too
    decisive = metric or usual
    noises = (None if decisive is None else noise_of(store, run, decisive) for run in runs)
    return ComparedRuns(runs, comparison, tests, decisive, next(filter(None, noises), None))


def _completed(runs: Sequence[RunRecord], tests: Sequence[Assessment], asked: str | None) -> list[RunRecord]:
    """The runs with what tests on all of their rows measured: of metrics that one of them has recorded, or that are
    `asked` about, those that a run of an earlier release, say, has not.
    """
    wanted = {key for run in runs for key in run.metrics} | {asked}
    whole = [test.differences if test.note is None else {} for test in tests]
    baseline = {key: one.baseline for test in reversed(whole) for key, one in test.items() if key in wanted}
    challengers = ({key: one.challenger for key, one in test.items() if key in wanted} for test in whole)
    measured = [baseline, *challengers]
    return [replace(run, metrics={**more, **run.metrics}) for run, more in zip(runs, measured, strict=True)]


def _meant(store: Store, reference: str) -> list[RunRecord]:
    """The runs of a reference; of the parent of a set over random states those of the set."""
    runs = resolve_set(store, reference)
    return members(store, runs[0]) if len(runs) == 1 and is_repeated(runs[0]) else runs


def _rows(
    runs: Sequence[RunRecord], predictions: RunPredictions | None, test: Assessment, most: int | None
) -> ComparedRows:
    """Raises RunNotFound if the two runs have no rows in common."""
    from expctl.tracking.runs.row_texts import with_texts

    if predictions is None or test.pairing is None:
        raise RunNotFound(
            test.note or "nothing to compare row by row", hint="--flips needs runs with the same test rows"
        )
    flips = find_flips(predictions, test.pairing, most=most)
    return ComparedRows(runs, flips, with_texts(runs[1], flips.rows))


def _slices(store: Store, runs: Sequence[RunRecord], request: CompareRequest, by: str) -> ComparedSlices:
    """Raises RunNotFound if the two runs have no rows in common."""
    before, after = (read_predictions(store, run) for run in runs)
    if before is None or after is None or not len(pair(before, after)):
        reason = assess(before, after).note
        raise RunNotFound(reason or "nothing to compare", hint="--by needs runs with the same test rows")
    metric = request.metric or usual_of_slices(before.task)[0]
    slices = compared_slices(
        (runs[0], before), (runs[1], after), by, metric, confidence=request.confidence,
        margin=store.settings.equal_within,
    )  # fmt: skip
    return ComparedSlices(runs, metric, by, slices)


def _sets(request: CompareRequest, matched: Sequence[Sequence[RunRecord]], margin: float) -> ComparedSets:
    """Raises UsageError for more than two sets, and for what is about single runs; RunNotFound for a set and a run."""
    names = request.runs
    if request.metric is not None or request.everything or request.per_class or request.flips is not None:
        raise UsageError("--metric, --all, --per-class and --flips are for single runs, not sets")
    if request.by is not None:
        raise UsageError("--by is for single runs, not sets", hint="expctl compare RUN RUN --by COLUMN")
    if request.code:
        raise UsageError("--code is for single runs, not sets", hint="expctl compare RUN RUN --code")
    if request.report:
        raise UsageError("--report is for single runs, not sets", hint=shlex.join(["expctl", "report", *names]))
    if len(names) != 2:
        raise UsageError("sets of runs are compared two at a time", hint="expctl compare 'old-*' 'new-*'")
    baseline, challenger = matched
    if min(len(baseline), len(challenger)) == 1:
        one, other = (name for _, name in sorted(zip(map(len, matched), names, strict=True)))
        raise RunNotFound(
            f"{one!r} is one run and {other!r} matches {max(map(len, matched)):,}: a set is compared with another of at"
            " least two",
            hint="name one run of each, or train more with --random-state",
        )
    found = compare_groups(baseline, challenger, confidence=request.confidence)
    tested = {one.metric: replace(one.difference, margin=margin) for one in found if one.difference is not None}
    usual = default_metric(run.task for run in (*baseline, *challenger))
    (tested,) = adjusted([tested], usual if usual in tested else next(iter(tested), None))
    groups = [replace(one, difference=tested.get(one.metric)) for one in found]
    return ComparedSets((names[0], names[1]), groups, _note(baseline, challenger, groups))


def _note(
    baseline: Sequence[RunRecord], challenger: Sequence[RunRecord], groups: Sequence[GroupDifference]
) -> str | None:
    again = repeats(baseline) + repeats(challenger)
    if not same_data([*baseline, *challenger]):
        return "not tested: the sets were not trained and tested on the same data"
    if again:
        said = "1 run repeats another's training" if again == 1 else f"{again:,} runs repeat others' trainings"
        return f"not tested: {said}, which adds no information: vary --random-state"
    if all(one.deviations == (0.0, 0.0) for one in groups if METRICS[one.metric].is_quality_metric):
        return "the random state changes nothing here: compare single runs instead"
    return None
