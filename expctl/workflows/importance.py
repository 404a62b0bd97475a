"""`importance`: the terms that speak most for each class, of the model of a recorded run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.analysis.importance import Importance
from expctl.errors import ExpctlError, RunNotFound, UsageError, closest
from expctl.tracking.models.storage import load_model
from expctl.training.models.families import is_factory
from expctl.training.models.term_weights import check_weighs, term_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def importance(
    store: Store,
    run: RunRecord,
    *,
    label: str | None = None,
    top: int = 20,
    trust: bool = False,
    warn: Callable[[str], None] = lambda text: None,
) -> Importance:
    """The `top` terms that speak for each class of a run's model, or for the one class `label`.

    Raises RunNotFound, with the reason, for a run whose model weighs no terms, or without a model, UsageError for a
    class that the model does not have, DataError for a damaged one, or without `trust` one not known to be safe.
    """
    model = run.params.get("model", "")
    if is_factory(model):
        raise RunNotFound(
            f"run {run.described} is a model of your own, {model}: what its parts mean is not known here",
            hint="its weights are in the model: mlflow.sklearn.load_model",
        )
    if reads_table(run):
        raise RunNotFound(
            f"run {run.described} reads a table: importance tells its columns, no terms",
            hint=f"expctl importance {run.run_id[:8]}",
        )
    check_weighs(model)
    found = term_weights(load_model(store, run, trust=trust, warn=warn).estimator)
    if label is not None and label not in found.classes:
        raise UsageError(
            f"run {run.described} has no class {label!r}{closest(label, found.classes)}",
            hint=f"it has {', '.join(found.classes[:20])}{', ...' if len(found.classes) > 20 else ''}",
        )
    chosen = found.classes if label is None else [label]
    return Importance(run, found.kind, [(name, found.top(name, top)) for name in chosen])


def reads_table(run: RunRecord) -> bool:
    """Whether a run's model reads the columns of a table rather than a text."""
    return "columns" in run.params


def importance_or_reason(store: Store, run: RunRecord, *, top: int) -> Importance | str:
    """The same for a report, which goes on without: else why there is none."""
    try:
        return importance(store, run, top=top)
    except ExpctlError as error:
        return error.message
