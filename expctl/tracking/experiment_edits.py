"""Experiments renamed, hidden, brought back, and gone for good with all their runs, so that their names are free again.

Deleting is MLflow's: the experiment is hidden with its runs, and keeps its name. For good means what `mlflow gc` does,
but of this experiment alone.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from expctl import compat
from expctl.errors import RunNotFound, UsageError, mask_passwords
from expctl.filters.expression import attribute
from expctl.tracking.errors import reason, store_errors
from expctl.tracking.names import check_experiment_name
from expctl.tracking.readers.protocol import Query
from expctl.tracking.runs import deletion, lifecycle
from expctl.tracking.runs.metadata import check_encodable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import Experiment
    from expctl.tracking.store import Store


def named(store: Store, name: str) -> Experiment:
    """The experiment of a name, deleted or not. Raises RunNotFound, with the closest name."""
    found = next((one for one in store.all_experiments.every() if one.name == name), None)
    if found is None:
        near = store.all_experiments.closest(name)
        raise RunNotFound(f"no experiment {name!r}{near}", hint="expctl experiments")
    return found


def rename(store: Store, experiment: Experiment, name: str) -> None:
    """Give an experiment another name. Raises UsageError for one that is taken, or that no store would take."""
    from mlflow.exceptions import MlflowException

    if experiment.deleted:
        again = shlex.join(["expctl", "experiments", experiment.name, "--restore"])
        raise UsageError(f"experiment {experiment.name!r} has been deleted", hint=again)
    check_encodable("--rename", name)
    check_experiment_name(name, "--rename")
    if mask_passwords(name) != name:
        raise UsageError("--rename holds a password, which would be stored", hint="another name")
    other = next((one for one in store.all_experiments.every(now=True) if one.name == name), None)
    if other is not None:
        told = " by a deleted experiment" if other.deleted else ""
        raise UsageError(f"the name {name!r} is taken{told}", hint="expctl experiments" + " --deleted" * other.deleted)
    with store_errors(store.settings):
        try:
            store.client.rename_experiment(experiment.experiment_id, name)
        except MlflowException as error:
            if error.error_code not in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"):
                raise
            raise UsageError(f"--rename: {reason(error)}", hint="another name") from error


def check_changes(experiment: Experiment, *, deleted: bool) -> None:
    """Raise RunNotFound for an experiment that is to be `deleted`, or to be there again, and is so already."""
    if experiment.deleted and deleted:
        raise RunNotFound(f"experiment {experiment.name!r} is deleted already", hint="--purge deletes it permanently")
    if not experiment.deleted and not deleted:
        raise RunNotFound(f"experiment {experiment.name!r} is not deleted", hint="expctl experiments --deleted")


def check_idle(store: Store, experiment: Experiment) -> None:
    """Raise RunNotFound for an experiment with a run that is being recorded."""
    for run in store.search(Query((experiment.experiment_id,), attribute("status", "=", "RUNNING"))):
        if lifecycle.is_alive(run):
            raise RunNotFound(
                f"run {run.described} is being recorded by {lifecycle.recorder_of(run)}",
                hint="wait for it, or end it first",
            )


def delete(store: Store, experiment: Experiment) -> None:
    """Hide an experiment with its runs; one that is hidden stays so."""
    if not experiment.deleted:
        with store_errors(store.settings):
            store.client.delete_experiment(experiment.experiment_id)


def restore(store: Store, experiment: Experiment) -> None:
    """Bring a hidden experiment back, with all its runs: those that were deleted before it, too."""
    if experiment.deleted:
        with store_errors(store.settings):
            store.client.restore_experiment(experiment.experiment_id)


def to_purge(store: Store, experiment: Experiment) -> Sequence[RunRecord]:
    """All runs of an experiment, deleted ones too.

    Raises UsageError where they cannot go for good as their store is a server, RunNotFound where a registered model is
    one of theirs.
    """
    where = (experiment.experiment_id,)
    if not deletion.can_purge(store):
        raise UsageError(
            "only MLflow's server can delete its experiments permanently",
            hint="--rename, then --delete: the name is free then; or mlflow gc where the server runs",
        )
    runs = [run for deleted in (False, True) for run in store.search(Query(where, deleted=deleted))]
    deletion.check_purge(store, runs)
    return runs


def purge(store: Store, experiment: Experiment, runs: Sequence[RunRecord]) -> Iterator[RunRecord]:
    """Delete an experiment for good, its runs first; gives each of these when it is done. Can be done again."""
    homes = {home for run in runs if (home := home_of(store, run)) is not None}
    yield from deletion.purge(store, runs)
    delete(store, experiment)
    with store_errors(store.settings):
        compat.hard_delete_experiment(compat.tracking_store(store.uri), experiment.experiment_id)
    for home in homes:
        _remove_empty(home)


def home_of(store: Store, run: RunRecord) -> Path | None:
    """The folder of this machine with the files of an experiment, by one of its runs; None where it is not here."""
    folder = store.places.folder(store.places.now(run.artifact_uri))
    if folder is None or folder.name != "artifacts" or not re.fullmatch("[0-9a-f]{32}", folder.parent.name):
        return None
    return folder.parent.parent


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those in it as far as they are empty."""
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(place).rmdir()
