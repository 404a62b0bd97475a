"""Runs of an archive into a store: each whole or not at all, none twice, and called by one another's new ids.

What the store gives by itself, ids and places, is new. The id under which a run was first recorded is a tag.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.errors import DataError, RunNotFound, UsageError
from expctl.records import Tag
from expctl.temporary import temporary_folder
from expctl.tracking import uris
from expctl.tracking.archive.identity import RUN_ID, find_origin, is_half
from expctl.tracking.archive.schema import points_in, run_in
from expctl.tracking.runs import deletion, lifecycle
from expctl.tracking.runs.items import (
    Folder,
    Item,
    RecordedDataset,
    RecordedMetric,
    RecordedModel,
    RecordedParam,
    RemovedTag,
    TagValue,
)
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.writer import RunWriter
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from expctl.records import RunRecord
    from expctl.tracking.archive.container import Archive
    from expctl.tracking.archive.schema import ArchivedPoint, ArchivedRun

_PROCESS: Final = (Tag.HOST, Tag.PID, Tag.STARTED)
_AT_ONCE: Final = 800  # metrics in memory
_LAST: Final = (Tag.COMPLETE, *_PROCESS)


@dataclass(frozen=True)
class Imported:
    """A run of an archive, where it is now. `was`: the id under which it was first recorded."""

    run: RunRecord
    was: str
    result: Literal["imported", "already there", "deleted"]
    files: int
    bytes: int


def read_runs(archive: Archive, experiment: str | None) -> dict[str, str]:
    """The experiment of each run. Raises DataError, before anything is written, for a run that makes no sense."""
    found = {}
    for run_id in archive.runs:
        run = _described(archive, run_id)
        for _ in _points(archive, run):
            pass
        found[run_id] = experiment or run.experiment
    return found


def _described(archive: Archive, run_id: str) -> ArchivedRun:
    name = f"runs/{run_id}/run.json"
    try:
        run = run_in(archive.read(name))
    except ValueError as error:
        raise archive.damaged(name) from error
    if run.run_id != run_id:
        raise archive.damaged(name)
    return run


def _points(archive: Archive, run: ArchivedRun) -> Iterator[ArchivedPoint]:
    name = f"runs/{run.run_id}/metrics.jsonl"
    try:
        yield from points_in(archive.blocks(name), len(run.models))
    except ValueError as error:
        raise archive.damaged(name) from error


@dataclass
class Importer:
    """Writes the runs of a verified archive into a store.

    One process at a time begins a run in an SQLite store. A server has no lock for it: two that import the same runs
    at the same moment may both make them.
    """

    store: Store
    archive: Archive
    _here: dict[str, str] = field(default_factory=dict)

    def write(self, experiments: Mapping[str, str], progress: Callable[[str], None]) -> Iterator[Imported]:
        """Import each run that is not there yet; gives each when it is done.

        Raises StoreError, DataError for a run that the store does not take, UsageError for one that is being imported.
        """
        names = {name: self._experiment(name) for name in dict.fromkeys(experiments.values())}
        for number, (run_id, name) in enumerate(experiments.items(), 1):
            progress(f"importing run {number} of {len(experiments)}")
            yield self._one(run_id, names[name])
        progress("linking runs")
        for run_id in experiments:
            found = find_origin(self.store, run_id)
            if found is not None and Tag.IMPORTED in found.tags and not found.deleted:
                self._link(found)

    def _experiment(self, name: str) -> str:
        settings = replace(self.store.settings, experiment=name)
        return Store(settings, self.store.reader, self.store.client, note=self.store.note).ensure_experiment()

    def _one(self, run_id: str, experiment: str) -> Imported:
        run = _described(self.archive, run_id)
        sizes = [self.archive.members[name].bytes for path, name in self.archive.files(run_id).items() if "/" in path]
        here: RunRecord | str
        try:
            here = self._found_or_written(run, experiment)
        except RunNotFound as error:  # what MLflow says of a value that it does not take
            raise DataError(f"the store does not take run {run.name} ({run_id[:8]}): {error.message}") from error
        if isinstance(here, str):
            self._here[run_id] = here
            return Imported(self.store.get(here), run_id, "imported", len(sizes), sum(sizes))
        return Imported(here, run_id, "deleted" if here.deleted else "already there", len(sizes), sum(sizes))

    def _found_or_written(self, run: ArchivedRun, experiment: str) -> RunRecord | str:
        """The run as it is in the store already, or the id that it has been written under."""
        writer: RunWriter | None = None
        with ExitStack() as stack:
            try:
                with uris.first_opening(self.store.settings.tracking_uri, create=True), defer_signals():
                    found = find_origin(self.store, run.run_id)
                    if found is not None and not is_half(found):
                        return found
                    if found is not None:
                        _drop(self.store, found)
                    writer = self._begin(run, experiment)
            finally:  # also where a signal was held back until now
                if writer is not None:
                    stack.enter_context(writer.ending_failed())
            self._fill(run, writer)
            with defer_signals():
                self._finish(run, writer)
        return writer.run_id

    def _begin(self, run: ArchivedRun, experiment: str) -> RunWriter:
        tags = {key: value for key, value in self._translated(run.tags).items() if key not in _LAST}
        own = {Tag.IMPORTED_ID: run.run_id, Tag.IMPORTED_FROM: run.store, **lifecycle.process_tags()}
        if run.name:
            tags["mlflow.runName"] = run.name
        return RunWriter.begin(self.store, experiment, run.name or None, tags | own, started=run.started)

    def _fill(self, run: ArchivedRun, writer: RunWriter) -> None:
        """All that a run holds, but for the marks that it is whole."""
        with temporary_folder() as scratch:
            files = scratch / "files"
            self._extract(run, "artifacts/", files)
            writer.write([Folder(files)])
        writer.write(RecordedParam(*pair) for pair in run.params.items())
        writer.write(
            RecordedDataset(one.name, one.digest, one.source_type, one.source, one.schema, one.profile, one.tags)
            for one in run.datasets
        )
        for number, model in enumerate(run.models):
            with temporary_folder() as scratch:
                folder = scratch / "model"
                self._extract(run, f"models/{number}/", folder)
                described = (model.name, model.model_type, model.status, model.step, model.tags, model.params)
                writer.write([RecordedModel(*described, folder)])
        for piece in _pieces(self._metrics(run), _AT_ONCE):
            writer.write(piece)

    def _metrics(self, run: ArchivedRun) -> Iterator[RecordedMetric]:
        for one in _points(self.archive, run):
            for model, name, digest in one.links or ((None, None, None),):
                yield RecordedMetric(one.key, one.value, one.timestamp, one.step, model, (name, digest))

    def _extract(self, run: ArchivedRun, place: str, folder: Path) -> None:
        folder.mkdir()
        for path, member in self.archive.files(run.run_id, place).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                for block in self.archive.blocks(member):
                    stream.write(block)

    def _finish(self, run: ArchivedRun, writer: RunWriter) -> None:
        """End a run as it ended; the mark that it is whole comes last."""
        writer.end_as(run.status, run.ended)
        writer.write(RemovedTag(key) for key in _PROCESS if key not in run.tags)
        writer.write(TagValue(key, run.tags[key]) for key in _LAST if key in run.tags)
        writer.write([TagValue(Tag.IMPORTED, datetime.now(UTC).isoformat(timespec="seconds"))])

    def _link(self, run: RunRecord) -> None:
        """Have the tags of an imported run call other runs by the ids that these have here, now that all are."""
        tags = {key: value for key, value in run.tags.items() if key != Tag.IMPORTED_ID}
        aside = tags.pop(Tag.IMPORTED_TRIAL, None)
        with suppress(ValueError, TypeError, RecursionError):
            tags |= json.loads(aside or "{}")
        linked = self._translated(tags)
        changed: list[Item] = [TagValue(key, value) for key, value in linked.items() if run.tags.get(key) != value]
        if aside is not None and Tag.IMPORTED_TRIAL not in linked:
            changed.append(RemovedTag(Tag.IMPORTED_TRIAL))
        RunWriter(self.store, run).write(changed)

    def _translated(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Tags with the present ids of runs. A trial whose sweep is not here is none, until it is."""
        found = {key: RUN_ID.sub(lambda word: self._id_here(word[0]) or word[0], value) for key, value in tags.items()}
        if Tag.PARENT in found and self._id_here(tags[Tag.PARENT]) is None:
            aside = {key: found.pop(key) for key in (Tag.PARENT, Tag.TRIAL) if key in found}
            found[Tag.IMPORTED_TRIAL] = json.dumps(aside)
        return found

    def _id_here(self, word: str) -> str | None:
        """The id of a run in this store; None for one that is not in it."""
        if word not in self._here:
            run = find_origin(self.store, word)
            if run is None or is_half(run):
                return None
            self._here[word] = run.run_id
        return self._here[word]


def _drop(store: Store, half: RunRecord) -> None:
    """Remove what an import that was cut short has left. Raises UsageError if it goes on."""
    if half.status == "running" and lifecycle.is_alive(half) is not False:
        raise UsageError(
            f"run {half.described} is being imported by {lifecycle.recorder_of(half)}",
            hint=f"wait for it; if it is gone, expctl delete {half.run_id}",
        )
    list((deletion.purge if deletion.can_purge(store) else deletion.delete)(store, [half]))


def _pieces(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """As many as MLflow takes at once."""
    left = iter(values)
    while piece := list(islice(left, size)):
        yield piece
