"""The best run against its rivals, on their recorded predictions: who is tied with it, what choosing it was worth.

Reads predictions; the statistics are those of `analysis`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.groups import same_data
from expctl.analysis.predictions import pair
from expctl.analysis.ranking import exclusions, may_tie, preferring, rank, ranking_order
from expctl.analysis.selection import corrected, corrected_values
from expctl.errors import RunNotFound, closest
from expctl.filters.expression import NO_SWEEP, REGULAR_RUNS, Condition, Field, all_of, fit_for
from expctl.metrics import METRICS, check_direction, known_metrics, nearest, without_metric
from expctl.records import Tag
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.references import present_metrics
from expctl.workflows.assessment import assess_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.predictions import Pairing
    from expctl.analysis.ranking import Ranking
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_CONTESTANTS: Final = 50  # runs whose predictions `prefer` reads at most
_NEAR: Final = 20  # of the best runs, those looked at for other test rows than the first has
_TRIALS: Final = 500  # more predictions than these are not read for a correction


@dataclass(frozen=True, slots=True)
class Best:
    """The top runs. Of the `near` best ones, `elsewhere` were tested on other rows than the first.

    As many as `may_tie`, of those that are near but not among the top, reach into the limits of the first.
    """

    ranking: Ranking
    near: int
    elsewhere: int
    may_tie: int = 0


def best(
    store: Store,
    metric: str | None = None,
    *,
    top: int,
    filter: str = "",
    prefer: str | None = None,
    higher: bool | None = None,
) -> Best:
    """The top runs by a metric, marked where they cannot be told from the first; of those first by `prefer`.

    Without a metric by f1_score, and where no run has it by r2. Where no run has the metric that is named, the one is
    taken that is called like it; `higher` says whether more of it is better, None that its name does. Raises
    RunNotFound if no run has the one metric or the other, UsageError.
    """
    asked = metric or "f1_score"
    check_direction(asked, higher)
    most = max(top, _NEAR if prefer is None else _CONTESTANTS + 1)
    ranking = ranked(store, asked, filter=filter, top=most, higher=higher)
    if not ranking.ranked:
        near = "r2" if metric is None and "r2" in ranking.known else nearest(asked, ranking.known, store.note)
        if near != asked:
            check_direction(near, higher)
            ranking = ranked(store, near, filter=filter, top=most, higher=higher)
    metric = ranking.metric
    store.settings.check_margin(metric)
    if not ranking.ranked:
        which = "finished run that matches the filter" if filter.strip() else "finished run"
        raise without_metric(f"no {which} has", metric, ranking.known)
    if prefer is not None and not any(prefer in run.metrics for run in ranking.ranked):
        raise RunNotFound(
            f"--prefer: no run has {prefer!r}{closest(prefer, ranking.known)}", hint="--prefer fit_seconds"
        )
    ranking = with_correction(store, ranking, filter=filter)
    if prefer is not None:
        ranking = preferring(
            with_ties(store, ranking, may_tie(ranking, _CONTESTANTS, store.settings.equal_within)), prefer
        )
    elif top > 1:
        ranking = with_ties(store, ranking, ranking.ranked[1:top])
    sets = [run.test_set for run in ranking.ranked]
    first = ranking.ranked[0]
    elsewhere = sum(
        one is not None and not _may_share_rows(run, first) for run, one in zip(ranking.ranked, sets, strict=True)
    )
    elsewhere = 0 if first.test_set is None else elsewhere
    shown = {run.run_id for run in ranking.ranked[:top]}
    rivals = [run for run in _rivals(store, ranking) if run.run_id not in shown]
    return Best(replace(ranking, ranked=ranking.ranked[:top]), len(sets), elsewhere, len(rivals))


def _rivals(store: Store, ranking: Ranking) -> list[RunRecord]:
    """Runs on the same test rows that may be tied for the best, by its limits: no predictions are read for that."""
    best = ranking.ranked[0]
    if best.test_set is None or not {f"{ranking.metric}_low", f"{ranking.metric}_high"} <= best.metrics.keys():
        return []
    near = may_tie(ranking, len(ranking.ranked), store.settings.equal_within)
    return [run for run in near if run.test_set is not None and _may_share_rows(run, best)]


def with_ties(store: Store, ranking: Ranking, rivals: Sequence[RunRecord]) -> Ranking:
    """The ranking with each rival marked tied with the best or not; those on other test rows stay unmarked."""
    best = ranking.ranked[0]
    rivals = [run for run in rivals if best.test_set is not None and _may_share_rows(run, best)]
    mine = read_predictions(store, best) if rivals else None
    if mine is None:
        return ranking
    tied = {best.run_id: True}
    for run in rivals:
        test = assess_runs(store, (best, mine), (run, read_predictions(store, run)))
        difference = test.differences.get(ranking.metric)
        if difference is not None and test.pairing is not None and test.pairing.complete:
            tied[run.run_id] = difference.verdict in ("equal", "no clear difference")
    return replace(ranking, tied=tied)


def _may_share_rows(run: RunRecord, other: RunRecord) -> bool:
    """Whether two runs have the same test rows, or may have: of one file, split alike, and read by other columns."""
    if run.test_set == other.test_set:
        return run.test_set is not None
    read = (run.params.get("features"), run.params.get("drop"), run.params.get("text_column"))
    others = (other.params.get("features"), other.params.get("drop"), other.params.get("text_column"))
    return (
        read != others
        and run.params.get("random_state") == other.params.get("random_state")
        and same_data([run, other])
    )


def with_correction(store: Store, ranking: Ranking, *, filter: str = "") -> Ranking:
    """The ranking of a sweep's best with the value that choosing it among the trials does not explain."""
    if ranking.metric not in METRICS or METRICS[ranking.metric].needs not in ("labels", "values"):
        return ranking
    best = ranking.ranked[0]
    parent = best.tags.get(Tag.PARENT)
    if not parent or best.test_set is None:
        return ranking
    siblings = all_of(
        fit_for(ranking.metric),
        Condition(Field("tags", Tag.PARENT), "=", parent),
        Condition(Field("tags", Tag.TEST_SET), "=", best.test_set),
    )
    trials = store.find(filter, also=siblings, order=ranking_order(ranking.metric), limit=_TRIALS + 1)
    if not 2 <= len(trials) <= _TRIALS:
        return ranking
    found = [one for one in (read_predictions(store, run) for run in trials) if one is not None]
    if len(found) < len(trials):
        return ranking
    value = _corrected(ranking.metric, [pair(found[0], one) for one in found])
    return (
        replace(ranking, selected=best.metrics[ranking.metric], corrected=value, trials=len(trials))
        if value is not None
        else ranking
    )


def _corrected(metric: str, pairings: Sequence[Pairing]) -> float | None:
    """The corrected value of several trials, each paired with the first."""
    classes = sorted({name for pairing in pairings for name in pairing.classes})
    position = {name: i for i, name in enumerate(classes)}
    recoded = [[position[name] for name in pairing.classes] for pairing in pairings]
    import numpy as np

    order = np.argsort(pairings[0].first)
    groups = None if pairings[0].groups is None else pairings[0].groups[order]
    if METRICS[metric].needs == "values":
        values = [pairing.second_predicted[np.argsort(pairing.first)] for pairing in pairings]
        return corrected_values(pairings[0].labels[order], values, metric, groups=groups)
    labels = np.array(recoded[0])[pairings[0].labels][order]
    predicted = [
        np.array(codes)[pairing.second_predicted][np.argsort(pairing.first)]
        for codes, pairing in zip(recoded, pairings, strict=True)
    ]
    return corrected(labels, predicted, len(classes), metric, groups=groups)


def ranked(store: Store, metric: str, *, filter: str = "", top: int, higher: bool | None = None) -> Ranking:
    """The top runs by a metric, in a direction as of `best`, among those a filter lets through.

    Tells which metrics there are where no run ranks. Raises UsageError for a filter that cannot be read.
    """
    query = store.query(filter, also=all_of(NO_SWEEP, REGULAR_RUNS))
    found = store.find(filter, also=all_of(NO_SWEEP, fit_for(metric)), order=ranking_order(metric, higher), limit=top)
    ranking = rank(found, metric, higher=higher)
    if not found:
        ranking = replace(ranking, known=known_metrics(present_metrics(store, filter)))
    tally = store.tally(query, metric)
    other_tasks = {reason: count for reason, count in (ranking.excluded or {}).items() if reason.startswith("of ")}
    return replace(ranking, excluded=None if tally is None else exclusions(tally, metric) | other_tasks)
