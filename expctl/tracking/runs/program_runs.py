"""The runs that a program makes by itself with MLflow, while we run it as a run of ours.

By MLFLOW_RUN_CONTEXT (MLflow's variable of tags for every run that a process begins) each is below ours, in whatever
experiment, thread or child process it is begun, and has our tags: who recorded it, from which code, on which machine.
MLFLOW_RUN_ID instead would make the first of them ours, but MLflow raises an error in the program where that then
chooses another experiment or store, as most examples do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from expctl.filters.expression import Condition, Field
from expctl.records import Tag
from expctl.tracking import uris
from expctl.tracking.runs.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord
    from expctl.tracking.models.writing import WrittenRun
    from expctl.tracking.store import Store

# What would lead the program's runs elsewhere than ours, or to the wrong ones.
_FOREIGN: Final = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME")


def environment_of(
    store: Store, run: WrittenRun, tags: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a program whose own runs are to be found below this run, with these tags."""
    context = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
    return {
        **{key: value for key, value in environment.items() if key not in _FOREIGN},
        "MLFLOW_TRACKING_URI": uris.absolute(store.settings.tracking_uri),
        # Not by its name: `set_experiment` changes this variable, for child processes, and both must say the same.
        "MLFLOW_EXPERIMENT_ID": run.experiment_id,
        "MLFLOW_RUN_CONTEXT": json.dumps({**context, Tag.PARENT: run.run_id}),
    }


def runs_below(store: Store, run_id: str) -> list[RunRecord]:
    """The runs directly below one, in the order in which they began, in any experiment."""
    found = store.find(also=Condition(Field("tags", Tag.PARENT), "=", run_id), everywhere=True)
    return sorted(found, key=lambda run: (run.started is None, run.started or 0, run.run_id))


def close_runs(store: Store, run_id: str, reason: str | None, *, killed: bool) -> None:
    """End those of the runs below one that are RUNNING. `reason` is why the program failed, None if it did not.

    MLflow ends a run FINISHED when its process ends, also where an uncaught error is why. So where none below says that
    it failed, the last that began did.
    """
    below = runs_below(store, run_id)
    for run in below:
        close_runs(store, run.run_id, reason, killed=killed)
        if run.status == "running":
            writer = RunWriter(store, run)
            (writer.kill if killed else writer.fail)(reason or "the program ended before it")
    if reason is not None and below and not any(run.status in ("running", "failed", "killed") for run in below):
        writer = RunWriter(store, below[-1])
        (writer.kill if killed else writer.fail)(reason)
