"""Whether a run may take over an alias: the gate's answer, within the budget that the alias's history has left.

A decision is recorded before it is known what follows from it, so that none is made for nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.gate import Decision
from expctl.analysis.predictions import pair
from expctl.analysis.promotion_budget import Budget, within
from expctl.errors import RunNotFound, UsageError
from expctl.metrics import default_metric
from expctl.records import Tag
from expctl.tracking.models import decisions, registry
from expctl.tracking.models.decisions import PastDecision
from expctl.tracking.runs.items import TagValue
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.writer import RunWriter
from expctl.wording import agree, plural
from expctl.workflows.gate import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.tracking.models.registry import Registered
    from expctl.tracking.store import Store

_CHANCE: Final = 0.05  # of the rows of a fresh test set: short texts recur by themselves


@dataclass(frozen=True, slots=True)
class Judged:
    """The decision, the registered model as it is after it, and what of the budget is left: None if nothing was tested.

    `other_rows`: the decisions before it were made on other test sets.
    """

    decision: Decision
    model: Registered
    budget: Budget | None = None
    other_rows: bool = False


def judged(
    store: Store,
    model: Registered,
    run: RunRecord | None,
    better_than: str,
    alias: str,
    metric: str | None,
    *,
    fresh: bool,
) -> Judged | None:
    """Whether a run is significantly better than the one behind an alias; None where there is nobody to beat.

    Raises UsageError for a `fresh` test set that decisions about the alias have seen.
    """
    if better_than not in model.aliases and (better_than == alias or not model.aliases):
        return None
    number = model.version_of(better_than)
    baseline = registry.run_of(store, model, number)
    if run is None or baseline is None:
        return Judged(Decision("undecided", "a version that no run made cannot be compared"), model)
    metric = metric or default_metric([run.task]) or "f1_score"
    asked = PastDecision(alias, run.run_id, number, metric, run.test_set or "", fresh)
    history = decisions.of_alias(model, alias)
    if fresh and not any(one.fresh for one in history if one.key == asked.key):
        _check_fresh(store, model, [one for one in history if one.key != asked.key], run)
    found = judge(store, baseline, run, metric, max_drop=0)
    decision = replace(found.decision, reason=f"against version {number}: {found.decision.reason}")
    if found.difference is None:
        return Judged(decision, registry.read(store, model.name))
    decisions.record(store, model, asked)
    RunWriter(store, run).write([TagValue(Tag.JUDGED, f"{model.name}@{alias}")])
    now = registry.read(store, model.name)
    known = decisions.running(decisions.of_alias(now, alias))
    place = next((i for i, one in enumerate(known) if one.key == asked.key), len(known))
    budget = Budget(place + 1)
    other_rows = place > 0 and all(one.test_set != run.test_set for one in known[:place])
    return Judged(within(budget, decision, found.difference.p_value), now, budget, other_rows)


def _check_fresh(store: Store, model: Registered, history: Sequence[PastDecision], run: RunRecord) -> None:
    """Raise UsageError where the test rows of a run have been decided on, or most of them were among such rows."""
    hint = "train both on rows that no decision has seen: --test-data"
    same = sum(one.test_set == run.test_set for one in history)
    if same:
        told = f"{plural(same, 'decision')} about {model.name}@{history[0].alias} {agree(same, 'was', 'were')} made on"
        raise UsageError(f"--fresh-data: {told} these very test rows", hint=hint)
    own = read_predictions(store, run) if history else None
    for earlier in {one.test_set: one.run_id for one in history}.values():
        with suppress(RunNotFound):  # it is gone, and its rows with it
            before = read_predictions(store, store.get(earlier))
            if own is None or before is None:
                continue
            shared = len(pair(before, own))
            if shared > _CHANCE * len(own):
                raise UsageError(
                    f"--fresh-data: {shared:,} of the {len(own):,} test rows were among those of earlier decisions",
                    hint=hint,
                )
