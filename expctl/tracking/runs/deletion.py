"""Runs deleted, brought back, and gone for good; a sweep always with its trials.

Deleting is MLflow's: the run is hidden, with all its files in place. For good means what `mlflow gc` does, but of these
runs alone: that command, told a run, takes every deleted experiment and model of the store with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.errors import ExpctlError, RunNotFound, UsageError
from expctl.filters.expression import EVERY_RUN, Or, attribute
from expctl.tracking.errors import store_errors
from expctl.tracking.runs import lifecycle
from expctl.tracking.runs.artifacts import delete_files
from expctl.tracking.runs.descendants import Chosen, with_trials
from expctl.tracking.runs.references import only, resolve_set, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_PREFIX: Final = re.compile(r"[0-9a-f]{4,32}")


def to_delete(store: Store, references: Iterable[str], filter: str, *, purge: bool) -> Chosen:
    """The runs that references (globs and filters too) and a filter mean; to `purge`, deleted ones too.

    Raises RunNotFound for a reference that means none, and for a run that is being recorded.
    """
    chosen = candidates(store, references, filter, purge=purge)
    for run in chosen.runs:
        if run.status == "running" and not run.deleted and lifecycle.is_alive(run):
            raise RunNotFound(
                f"run {run.described} is being recorded by {lifecycle.recorder_of(run)}",
                hint="wait for it, or end it first",
            )
    return chosen


def candidates(
    store: Store, references: Iterable[str], filter: str, *, purge: bool, everything: bool = False
) -> Chosen:
    """As `to_delete`, runs that are being recorded too, and if `everything` is to be looked at all there are."""
    found: list[RunRecord] = []
    for reference in references:
        try:
            found += resolve_set(store, reference, among=EVERY_RUN)
        except RunNotFound as error:
            try:
                found.append(deleted_run(store, reference))
            except RunNotFound:
                raise error from None
            if not purge:
                raise RunNotFound(
                    f"run {found[-1].label} is deleted already", hint="--purge deletes it permanently"
                ) from None
    if filter.strip() or everything:
        found += store.find(filter)
        found += store.find(filter, deleted=True) if purge else []
    return with_trials(store, found, deleted=(False, True) if purge else (False,))


def to_restore(store: Store, references: Iterable[str], filter: str) -> Chosen:
    """The deleted runs that references and a filter mean. Raises RunNotFound for a reference that means none."""
    found = [deleted_run(store, reference) for reference in references]
    if filter.strip():
        found += store.find(filter, deleted=True)
    return with_trials(store, found, deleted=(True,))


def deleted_run(store: Store, reference: str) -> RunRecord:
    """The one deleted run with an id, the start of one, or a name. Raises RunNotFound, listing candidates."""
    named = attribute("run_name", "=", reference)
    begins = attribute("run_id", "like", f"{reference}%")
    found = store.find(also=Or((named, begins)) if _PREFIX.fullmatch(reference) else named, deleted=True)
    if not found and len(reference) == 32 and _PREFIX.fullmatch(reference):
        run = store.get(reference)  # of whatever experiment
        if run.deleted:
            return run
        raise RunNotFound(f"run {run.described} is not deleted", hint="expctl list --deleted")
    if not found:
        for other, rest in within(store, reference):
            return deleted_run(other, rest)
        raise RunNotFound(f"no deleted run {reference!r} {store.where}", hint="expctl list --deleted")
    return only(found, reference)


def delete(store: Store, runs: Iterable[RunRecord]) -> Iterator[RunRecord]:
    """Hide runs; gives each when it is done."""
    client = store.client
    for run in runs:
        with store_errors(store.settings):
            client.delete_run(run.run_id)
        yield run


def restore(store: Store, runs: Iterable[RunRecord]) -> Iterator[RunRecord]:
    """Bring hidden runs back; gives each when it is done."""
    client = store.client
    for run in runs:
        with store_errors(store.settings):
            client.restore_run(run.run_id)
        yield run


def bytes_of(store: Store, run: RunRecord) -> int | None:
    """How much the files and models of a run take; None where the store cannot tell."""
    try:
        sizes = [file.size for file in store.artifacts(run)]
    except ExpctlError:
        return None
    return None if None in sizes else sum(size or 0 for size in sizes)


def can_purge(store: Store) -> bool:
    """Whether runs can go for good: not those of a server."""
    return compat.can_hard_delete(_backend(store))


def check_purge(store: Store, runs: Iterable[RunRecord]) -> None:
    """Raise UsageError where runs cannot go for good as their store is a server, RunNotFound if a model is registered.

    StoreError where their files are beside another database.
    """
    if not can_purge(store):
        raise UsageError(
            "only MLflow's server can delete its runs permanently",
            hint="expctl delete without --purge here, then mlflow gc where the server runs",
        )
    for run in runs:
        store.check_own(run.artifact_uri)
        with store_errors(store.settings):
            (*versions,) = store.client.search_model_versions(f"run_id = '{run.run_id}'")
        if versions:
            raise RunNotFound(
                f"run {run.described} is version {versions[0].version} of the registered model {versions[0].name!r}",
                hint="delete that version in the registry first, or delete the run without --purge",
            )


def purge(store: Store, runs: Iterable[RunRecord]) -> Iterator[RunRecord]:
    """Delete runs with their files and models for good; gives each when it is done.

    What is cut short can be done again: of a run first its models go, then its files, and its row last.
    """
    for run in runs:
        with store_errors(store.settings):
            if not run.deleted:
                store.client.delete_run(run.run_id)
            _purge(store, run)
        yield run


def _purge(store: Store, run: RunRecord) -> None:
    client, backend = store.client, _backend(store)
    outputs = client.get_run(run.run_id).outputs
    models = {output.model_id for output in (outputs.model_outputs if outputs is not None else ())}
    pending = client.search_logged_models([run.experiment_id], filter_string=f"source_run_id = '{run.run_id}'")
    models.update(model.model_id for model in pending)
    for model_id in models:
        try:
            model = backend.get_logged_model(model_id, allow_deleted=True)
        except Exception as error:
            if getattr(error, "error_code", None) != "RESOURCE_DOES_NOT_EXIST":
                raise
            continue
        if model.source_run_id == run.run_id:
            delete_files(store, model.artifact_location)
            compat.hard_delete_model(backend, model_id)
    delete_files(store, run.artifact_uri)
    compat.hard_delete_run(backend, run.run_id)


def _backend(store: Store) -> Any:
    """MLflow's own store, which alone can delete for good: its client cannot."""
    store.client  # noqa: B018 (opens it, in our way)
    return compat.tracking_store(store.uri)
