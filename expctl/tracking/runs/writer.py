"""The one thing that writes runs: `RunWriter` takes a run from its creation to its end, whoever asks for it.

What is written comes as log items (`items.py`); this is their one interpreter and the one place that knows MLflow's
calls for them. The completion mark is the last thing written into a run, its status is set after that: without the mark
no run is complete, whatever its status says.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import ExpctlError, Stopped, StoreError, mask_passwords, mask_secrets
from expctl.records import TAG_LIMIT, Tag
from expctl.temporary import temporary_folder
from expctl.tracking import retries, uris
from expctl.tracking.errors import lacks_endpoint, store_errors
from expctl.tracking.lacks import Lack
from expctl.tracking.models.writing import log_model
from expctl.tracking.runs.artifacts import send_folder
from expctl.tracking.runs.items import (
    DatasetInput,
    File,
    Folder,
    Item,
    MetricValue,
    ModelItem,
    Param,
    RecordedDataset,
    RecordedMetric,
    RecordedModel,
    RecordedParam,
    RemovedTag,
    TagValue,
)
from expctl.tracking.runs.lifecycle import defer_signals, defer_signals_if_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

    from expctl.records import RunRecord
    from expctl.tracking.models.writing import WrittenRun
    from expctl.tracking.store import Store


class Abandoned(ExpctlError):
    """A run that was given up through no fault of its own."""


class Pruned(Abandoned):
    """A run whose program was stopped at a step, as it did worse than others before it."""

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


STOPPING: Final = (KeyboardInterrupt, Stopped, Abandoned)  # a run that one of them ends is KILLED


def masked(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as they are stored: without the secrets of addresses."""
    return {key: mask_passwords(value) for key, value in tags.items()}


class _Scratch(ExitStack):
    """A folder for temporary files in `place`, None the system's; made for the first of them, so that what needs none
    leaves none behind where its process is killed.
    """

    def __init__(self, place: Path | None) -> None:
        super().__init__()
        self._place = place
        self.has_files = False

    @cached_property
    def path(self) -> Path:
        """The folder."""
        if self._place is None:
            return self.enter_context(temporary_folder())
        return Path(self.enter_context(tempfile.TemporaryDirectory(dir=self._place)))

    @cached_property
    def files(self) -> Path:
        """Where the artifacts of the run are put together."""
        self.has_files = True
        (self.path / "files").mkdir()
        return self.path / "files"


class RunWriter:
    """Writes one run of a store: items while it lasts, then how it ended.

    `scratch` is a folder for temporary files that somebody else removes, None the system's. `ended`: it is over.
    """

    def __init__(self, store: Store, run: WrittenRun, *, scratch: Path | None = None) -> None:
        self.store = store
        self.run = run
        self.run_id = run.run_id
        self._scratch = scratch
        self._models: list[str | None] = []  # ids, in the order in which they were logged; None of one among the files
        self._datasets: list[dict[str, str | None]] = []  # those that only a tag tells of
        self._complete = False
        self.ended = False

    @classmethod
    def begin(
        cls,
        store: Store,
        experiment_id: str,
        name: str | None,
        tags: Mapping[str, str],
        *,
        started: int | None = None,
        scratch: Path | None = None,
    ) -> RunWriter:
        """Create a RUNNING run, `started` at so many milliseconds since 1970, or now.

        Secrets in addresses are masked, in its name and tags too. To be called with signals deferred, until somebody
        holds the writer who can end the run.
        """
        name, tags = name and mask_passwords(name), masked(tags)
        with store_errors(store.settings):
            if uris.is_server(store.settings.tracking_uri):
                run = _create_once(store.client, experiment_id, name, tags, started)
            else:
                run = store.client.create_run(experiment_id, started, dict(tags), name).info
        return cls(store, run, scratch=scratch)

    @classmethod
    def reopen(cls, store: Store, run_id: str, tags: Mapping[str, str], *, scratch: Path | None = None) -> RunWriter:
        """Go on with a run that has ended: RUNNING again, without its completion mark or the reason of its end.

        Raises StoreError where its files are beside another database.
        """
        run = store.get(run_id)
        store.prepare_writing(run.artifact_uri)
        store.check_own(run.artifact_uri)
        with store_errors(store.settings):
            for key, value in masked(tags).items():
                store.client.set_tag(run_id, key, value)
            for key in (Tag.COMPLETE, Tag.REASON):
                if key in run.tags:
                    store.client.delete_tag(run_id, key)
            store.client.update_run(run_id, status="RUNNING")
        return cls(store, run, scratch=scratch)

    @contextmanager
    def ending_failed(self) -> Iterator[None]:
        """What leaves the block by an exception, or a signal, ends a run that has not ended, with the reason."""
        try:
            yield
        except BaseException as error:
            if not self.ended:
                with suppress(StoreError):  # a store that fails now is mostly what `error` tells of
                    self.abort(error)
            raise

    def write(self, items: Iterable[Item], *, last: bool = False) -> None:
        """Write items: models and data sets as they come, parameters, files in one upload, then all the rest.

        After the `last` ones the run is complete, and nothing but its status is to come.
        """
        now = time.time_ns() // 1_000_000
        params: list[Any] = []
        metrics: list[Any] = []
        tags: list[Any] = []
        removed: list[str] = []
        folders: list[Path] = []
        with _Scratch(self._scratch) as scratch:
            for item in items:
                match item:
                    case Param(key, value) | RecordedParam(key, value):
                        params.append((key, (mask_secrets if isinstance(item, Param) else mask_passwords)(str(value))))
                    case MetricValue() | RecordedMetric():
                        metrics.append(self._metric(item, now))
                    case TagValue(key, value):
                        tags.append((key, mask_passwords(value)))
                    case RemovedTag(key):
                        removed.append(key)
                    case File(path, content):
                        (scratch.files / path).write_bytes(content)
                    case Folder(path):
                        folders.append(path)
                    case DatasetInput() | RecordedDataset():
                        tags += self._log_dataset(item)
                    case ModelItem() | RecordedModel():
                        tags += self._log_model(item, scratch)
            folders += [scratch.files] if scratch.has_files else []
            with store_errors(self.store.settings):
                self._log_batches(params, [], [])
                for folder in folders:
                    send_folder(self.store, folder, self.run.artifact_uri)
                with defer_signals() if last else nullcontext():
                    # MLflow writes the tags of a batch after its metrics, these at the end of the last one.
                    self._log_batches([], metrics, [*tags, *([(Tag.COMPLETE, "true")] if last else [])])
                    self._complete = last
                for key in removed:
                    self.store.client.delete_tag(self.run_id, key)

    def _metric(self, item: MetricValue | RecordedMetric, now: int) -> Any:
        from mlflow.entities import Metric

        if isinstance(item, MetricValue):
            model_id = self._models[-1] if self._models else None
            return Metric(item.key, item.value, now, item.step, model_id=model_id, run_id=self.run_id)
        model_id = None if item.model is None else self._models[item.model]
        return Metric(item.key, item.value, item.timestamp, item.step, model_id, *item.dataset, self.run_id)

    def _log_batches(self, params: list[Any], metrics: list[Any], tags: list[Any]) -> None:
        """MLflow takes 100 parameters, 1000 metrics and 100 tags at once, 1000 in all."""
        from mlflow.entities import Param as MlflowParam
        from mlflow.entities import RunTag

        while params or metrics or tags:
            some_params = [MlflowParam(*pair) for pair in params[:100]]
            some_tags = [RunTag(*pair) for pair in tags[:100]]
            with defer_signals_if_local(self.store):
                self.store.client.log_batch(self.run_id, metrics=metrics[:800], params=some_params, tags=some_tags)
            params, metrics, tags = params[100:], metrics[800:], tags[100:]

    def _log_dataset(self, item: DatasetInput | RecordedDataset) -> list[tuple[str, str]]:
        """Log a data set as the run's input; returns a tag that tells of all where the server has no such thing."""
        from mlflow.entities import Dataset, InputTag
        from mlflow.entities import DatasetInput as MlflowInput
        from mlflow.exceptions import MlflowException

        if isinstance(item, DatasetInput):
            source = json.dumps({"uri": mask_secrets(item.source)})
            name, digest = mask_secrets(item.name)[:500], item.digest[:36]
            dataset = Dataset(name, digest, "local", source, schema=item.schema, profile=item.profile)
            tags = {"mlflow.data.context": item.context}
        else:
            dataset = Dataset(item.name, item.digest, item.source_type, item.source, item.schema, item.profile)
            tags = dict(item.tags)
        inputs = [MlflowInput(dataset, [InputTag(key, value) for key, value in tags.items()])]
        with store_errors(self.store.settings), defer_signals_if_local(self.store):
            try:
                if Lack.DATASETS not in self.store.lacks:
                    self.store.client.log_inputs(self.run_id, inputs)
                    return []
            except MlflowException as error:
                # Of two that log a data set for the first time at once, MLflow fails the one that finds it in its way.
                if error.error_code == "BAD_REQUEST":
                    self.store.client.log_inputs(self.run_id, inputs)
                    return []
                if not lacks_endpoint(error):
                    raise
                self.store.lacks.add(Lack.DATASETS)
        context = tags.get("mlflow.data.context")
        self._datasets.append({"name": dataset.name, "digest": dataset.digest, "context": context})
        return [(Tag.DATASETS, json.dumps(self._datasets, ensure_ascii=False))]

    def _log_model(self, item: ModelItem | RecordedModel, scratch: _Scratch) -> list[tuple[str, str]]:
        """Log a model as the run's own, so that `runs:/ID/NAME` finds it; returns tags that the run gets for it."""
        number = len(self._models)
        folder = item.folder if isinstance(item, RecordedModel) else scratch.path / f"model{number}"
        model_id, tags = log_model(self.store, self.run, item, folder, number)
        self._models.append(model_id)
        return tags

    def rename(self, name: str) -> None:
        """Give the run another name."""
        with store_errors(self.store.settings):
            self.store.client.update_run(self.run_id, name=name)

    def finish(self) -> None:
        """Mark the run complete and end it FINISHED."""
        with store_errors(self.store.settings):
            if not self._complete:
                self.store.client.set_tag(self.run_id, Tag.COMPLETE, "true")
            self.store.client.set_terminated(self.run_id, "FINISHED")
        self.ended = True

    def fail(self, reason: str) -> None:
        """End the run FAILED."""
        self._end("FAILED", reason)

    def kill(self, reason: str) -> None:
        """End the run KILLED: somebody or something stopped it."""
        self._end("KILLED", reason)

    def _end(self, status: str, reason: str) -> None:
        """End the run with a reason; one that is complete lacks nothing but its status, and ends FINISHED."""
        with defer_signals(), store_errors(self.store.settings), retries.limited_retries(retries=2):
            if self._complete:
                status = "FINISHED"
            else:
                self.store.client.set_tag(self.run_id, Tag.REASON, reason[:TAG_LIMIT])
            self.store.client.set_terminated(self.run_id, status)
        self.ended = True

    def abort(self, error: BaseException) -> None:
        """End the run with the reason: KILLED if somebody stopped it, FAILED for everything else."""
        if isinstance(error, Pruned):
            self.write([TagValue(Tag.PRUNED, str(error.step))])
        (self.kill if isinstance(error, STOPPING) else self.fail)(reason_of(error))

    def end_as(self, status: str, ended: int | None) -> None:
        """End the run as another store recorded it, at `ended` milliseconds since 1970; None: it has no end."""
        with store_errors(self.store.settings):
            if ended is not None:
                self.store.client.set_terminated(self.run_id, status, ended)
            else:
                self.store.client.update_run(self.run_id, status=status)
        self.ended = True

    def discard(self) -> None:
        """Delete the run, as another one has taken its place."""
        with store_errors(self.store.settings):
            self.store.client.delete_run(self.run_id)
        self.ended = True

    def keep_running(self) -> None:
        """Undo what MLflow's own fluent functions made of the run's status."""
        with store_errors(self.store.settings):
            self.store.client.update_run(self.run_id, status="RUNNING")


@contextmanager
def recording(
    store: Store,
    name: str | None,
    tags: Mapping[str, str],
    *,
    run_id: str | None = None,
    scratch: Path | None = None,
) -> Iterator[RunWriter]:
    """The writer of a new run in the settings' experiment, or of the one with `run_id` again.

    Leaving the block finishes the run; an exception fails it, a signal kills it.
    """
    experiment = store.ensure_experiment()
    writer: RunWriter | None = None
    with ExitStack() as stack:
        try:
            with defer_signals():
                if run_id is None:
                    writer = RunWriter.begin(store, experiment, name, tags, scratch=scratch)
                else:
                    writer = RunWriter.reopen(store, run_id, tags, scratch=scratch)
        finally:  # also where a signal was held back until now
            if writer is not None:
                stack.enter_context(writer.ending_failed())
        yield writer
        with defer_signals():
            if not writer.ended:
                writer.finish()


def close_orphan(store: Store, run: RunRecord) -> None:
    """End a RUNNING run whose process is gone: FINISHED if it is complete, else KILLED."""
    writer = RunWriter(store, run)
    if Tag.COMPLETE in run.tags:
        writer.finish()
    else:
        writer.kill("its process exited without recording a status")


def _create_once(
    client: MlflowClient, experiment: str, name: str | None, tags: Mapping[str, str], started: int | None
) -> RunInfo:
    """Create one run, also where the server's answer is lost: MLflow would ask again and leave the first for ever.

    The run has a tag by which it is looked for before another is made.
    """
    from mlflow.exceptions import MlflowException

    key = uuid.uuid4().hex
    for wait in (0, 2, 4, 8, None):
        try:
            with retries.limited_retries(retries=0):
                return client.create_run(experiment, started, {**tags, Tag.KEY: key}, name).info
        except MlflowException as error:
            if wait is None or error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
                raise
        time.sleep(wait)
        made = client.search_runs([experiment], f"tags.`{Tag.KEY}` = '{key}'")
        if made:
            return made[0].info
    raise AssertionError("the last attempt returns or raises")


def reason_of(error: BaseException) -> str:
    """Why a run has ended that an error ended, as it is recorded."""
    if isinstance(error, Stopped):
        return f"stopped by {error.signal_name}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted (Ctrl-C)"
    return mask_secrets(error.message if isinstance(error, ExpctlError) else f"{type(error).__name__}: {error}")
