"""How the model of a run becomes a version of a registered model, and an alias points at it.

All that can be refused is refused before anything is registered; the alias, which others rely on, is moved last.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from expctl.errors import Undecided, mask_passwords
from expctl.metrics import usual_metrics_of
from expctl.records import Tag
from expctl.tracking.models import registry
from expctl.tracking.models.registry import point_alias, register
from expctl.tracking.models.storage import check_model
from expctl.tracking.names import ALIAS, VERSION
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.references import resolve
from expctl.workflows.promotion_decision import judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.analysis.gate import Decision
    from expctl.records import RunRecord
    from expctl.tracking.models.registry import Registered
    from expctl.tracking.store import Store
    from expctl.workflows.promotion_decision import Judged


@dataclass(frozen=True)
class Promotion:
    """What came of promoting a run: `version` is None where it was judged and nothing was registered.

    `before` is the version that the alias pointed at, made by `before_run`.
    """

    name: str
    alias: str
    run: RunRecord | None
    version: int | None
    before: int | None
    before_run: RunRecord | None
    judged: Judged | None

    @property
    def usual_metric(self) -> str:
        """The metric of the task of the run."""
        return usual_metrics_of("classification" if self.run is None else self.run.task)[0]

    @property
    def decision(self) -> Decision | None:
        """What was decided; None where nothing was."""
        return None if self.judged is None else self.judged.decision


def promote(
    store: Store,
    reference: str,
    name: str,
    alias: str,
    *,
    better_than: str | None,
    metric: str | None,
    who: str,
    note: str | None,
    fresh: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> Promotion:
    """Make the model of a run a version of `name`, unless it is one already, and point an alias at it.

    With `better_than`, an alias, only if the run is significantly better by the metric than the version behind that, as
    sure as the history of the alias asks for; with `fresh` test data that begins anew. An
    alias that is not there is no hurdle where it is the one to be set, or would be the first; any other is an error.

    Raises RunNotFound for a run without a complete model, DataError for one that is damaged, Undecided where the other
    alias was moved while the runs were compared: nothing is registered then.
    """
    progress("reading the registry")
    model = registry.read(store, name)
    number, run = _meant(store, reference, model)
    if run is not None:
        progress(f"checking the model of {run.label}")
        check_model(store, run)
    found = None
    if better_than is not None and (number is None or model.aliases.get(alias) != number):
        found = judged(store, model, run, better_than, alias, metric, fresh=fresh)
        now = registry.read(store, name) if found is None else found.model
        if now.aliases.get(better_than) != model.aliases.get(better_than):
            raise Undecided(f"somebody has moved {name}@{better_than} in the meantime", hint="try again")
        model = now
    decision = None if found is None else found.decision
    before = model.aliases.get(alias)
    before_run = registry.run_of(store, model, before)
    if decision is not None and decision.outcome != "pass":
        return Promotion(name, alias, run, None, before, before_run, found)
    if number is None or number != before:
        reasons = [note, decision.reason if decision is not None else None]
        tags = {
            Tag.PROMOTED_AS: alias,
            Tag.PROMOTED_BY: who,
            Tag.PROMOTED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
            Tag.PROMOTED_BECAUSE: mask_passwords("; ".join(filter(None, reasons)))
            or f"asked for: {shlex.join(['expctl', 'promote', reference, name])}",
        }
        if found is not None and found.budget is not None:
            tags[Tag.PROMOTED_BUDGET] = str(found.budget)
        progress(f"registering {name}")
        with defer_signals():
            if number is None and run is not None:
                number, tags = register(store, run, model, tags), {}  # which it has from its beginning
            point_alias(store, name, alias, number, tags)
    return Promotion(name, alias, run, number, before, before_run, found)


def _meant(store: Store, reference: str, model: Registered) -> tuple[int | None, RunRecord | None]:
    """The version of the model that a reference means, None if it is none yet, and the run, None if no run made it."""
    exact = VERSION.fullmatch(reference)
    if exact and exact["name"] == model.name and int(exact["version"]) in model.versions:
        return int(exact["version"]), registry.run_of(store, model, int(exact["version"]))
    run = resolve(store, reference)
    own = [one.number for one in model.versions.values() if one.run_id == run.run_id]
    aliased = ALIAS.fullmatch(reference)
    pointed = model.aliases.get(aliased["alias"]) if aliased and aliased["name"] == model.name else None
    return pointed if pointed in own else min(own, default=None), run
