"""`log`: metrics, parameters and files added to a recorded run. What is recorded stays (`runs/evidence.py`)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from expctl.errors import DataError, UsageError, mask_secrets
from expctl.temporary import temporary_folder
from expctl.tracking.runs import evidence
from expctl.tracking.runs.items import Folder, MetricValue, Param
from expctl.tracking.runs.metadata import PARAM_LIMIT, check_encodable, check_file_name, check_key
from expctl.tracking.runs.references import resolve
from expctl.tracking.runs.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.runs.items import Item
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What is to be added: values of metrics at a step, parameters, files of this machine by their own names.

    Raises UsageError for what no store could hold, and for a request of nothing; DataError for a file that is none.
    """

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    files: Sequence[Path]
    step: int = 0

    def __post_init__(self) -> None:
        if not (self.metrics or self.params or self.files):
            raise UsageError("log: nothing to add", hint="--metric KEY=NUMBER, --param KEY=VALUE or --artifact FILE")
        for key in self.metrics:
            check_key("metric", key)
        if self.step >= 2**63:
            raise UsageError(f"--step {self.step} is larger than any store holds", hint="--step 1")
        for key, value in self.params.items():
            check_key("parameter", key)
            check_encodable(f"parameter {key!r}", value)
            if len(value) > PARAM_LIMIT:
                raise UsageError(f"parameter {key} has {len(value):,} characters, the limit is {PARAM_LIMIT:,}")
        names = [file.name for file in self.files]
        for file in self.files:
            check_file_name("--artifact", file.name)
            if names.count(file.name) > 1:
                raise UsageError(f"--artifact names two files {file.name}", hint="rename one of them")
            if not file.is_file():
                told = "is not a file" if file.exists() else "does not exist"
                raise DataError(f"--artifact {file} {told}", hint="name a file")


def log(store: Store, reference: str, request: LogRequest) -> RunRecord:
    """Add to the run that a reference means, and return it as it then is.

    Raises RunNotFound, UsageError for what would change recorded evidence, and DataError for a file that cannot be
    read, before anything is written.
    """
    run = resolve(store, reference)
    for key, value in request.metrics.items():
        evidence.check_metric(store.reader, run, key, value)
    params = {key: mask_secrets(value) for key, value in request.params.items()}
    for key, text in params.items():
        evidence.check_param(run, key, text)
    items: list[Item] = [Param(key, text) for key, text in params.items()]
    items += [MetricValue(key, value, request.step) for key, value in request.metrics.items()]
    if not request.files:
        RunWriter(store, run).write(items)
        return store.get(run.run_id)
    present = {file.path.partition("/")[0]: file for file in store.artifacts(run)}
    for file in request.files:
        evidence.check_file(run, file.name, present)
    store.prepare_writing(run.artifact_uri)
    store.check_own(run.artifact_uri)
    with temporary_folder() as folder:
        for file in request.files:
            try:
                shutil.copyfile(file, folder / file.name)
            except OSError as error:
                raise DataError(f"cannot read {file}: {error.strerror}", hint="check its permissions") from error
        RunWriter(store, store.get(run.run_id)).write([Folder(folder), *items])
    return store.get(run.run_id)
