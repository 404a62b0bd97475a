"""Runs from a store into an archive: all that MLflow's client tells of them, and their files as they are."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections import defaultdict
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from expctl import compat
from expctl.errors import DataError, RunNotFound, StoreError, mask_passwords, mask_secrets
from expctl.filters.expression import EVERY_RUN
from expctl.metrics import METRICS
from expctl.records import Tag
from expctl.temporary import temporary_folder
from expctl.tracking import uris
from expctl.tracking.archive.container import Writer
from expctl.tracking.archive.identity import RUN_ID, is_half, origin_of
from expctl.tracking.archive.schema import ENDED, OF_THE_STORE, ArchivedData, ArchivedModel, ArchivedPoint, ArchivedRun
from expctl.tracking.client import prepare
from expctl.tracking.errors import store_errors
from expctl.tracking.places import is_folder
from expctl.tracking.readers.protocol import stored_number
from expctl.tracking.runs.artifacts import fetch_folder, listed, lost, server_of
from expctl.tracking.runs.descendants import with_trials
from expctl.tracking.runs.locations import bounded, located
from expctl.tracking.runs.references import resolve_set
from expctl.tracking.uris import local_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


# Metrics that `items.outcome` writes once, with step 0. A value that somebody has added since is later than the run's
# end, or of another step.
_AT_THE_END: Final = frozenset(name for key in METRICS for name in (key, f"{key}_low", f"{key}_high"))


@dataclass(frozen=True)
class Choice:
    """The runs to export, those above others first, and those that are not whole: going on, or half imported."""

    runs: Sequence[RunRecord]
    left_out: Sequence[RunRecord]


def to_export(store: Store, references: Iterable[str], filter: str) -> Choice:
    """The runs that references (globs and filters too) and a filter mean, with all runs below them.

    Raises RunNotFound for a reference that means none, or a deleted run.
    """
    found: list[RunRecord] = []
    for reference in references:
        found += resolve_set(store, reference, among=EVERY_RUN)
    for run in found:
        if run.deleted:
            raise RunNotFound(f"run {run.label} is deleted", hint=f"expctl restore {run.run_id}")
    if filter.strip():
        found += store.find(filter)
    chosen = with_trials(store, found, nested=True)
    runs = {origin_of(run): run for run in (*chosen.named, *chosen.trials)}.values()
    whole = [run for run in runs if run.status.upper() in ENDED and not is_half(run)]
    return Choice(whole, [run for run in runs if run not in whole])


@dataclass
class Exported:
    """A run in an archive: how many files it has, and how large they are together."""

    run: RunRecord
    files: int = 0
    bytes: int = 0


@dataclass
class Exporter:
    """Writes runs of a store into an archive.

    `masked` counts the values that held a password, `bare` names the models that have no files.
    """

    store: Store
    writer: Writer
    masked: int = 0
    bare: list[str] = field(default_factory=list)
    _origins: dict[str, str] = field(default_factory=dict)

    def write(self, runs: Sequence[RunRecord], progress: Callable[[str], None]) -> list[Exported]:
        """Write the runs, and the manifest. Raises StoreError or DataError for what cannot be read as it should."""
        self._origins.update((run.run_id, origin_of(run)) for run in runs)
        done = []
        for number, run in enumerate(runs, 1):
            progress(f"exporting {run.label}, {number} of {len(runs)}")
            done.append(self._run(run))
        self.writer.close([origin_of(run) for run in runs])
        return done

    def _run(self, run: RunRecord) -> Exported:
        exported = Exported(run)
        place = f"runs/{origin_of(run)}"
        client = self.store.client
        with store_errors(self.store.settings):
            recorded = client.get_run(run.run_id)
            models = [
                (output, model)
                for output in (recorded.outputs.model_outputs if recorded.outputs is not None else ())
                if (model := self._model(output.model_id)) is not None
            ]
        models.sort(key=lambda pair: (pair[1].creation_timestamp, pair[0].step, pair[1].name))  # MLflow has no order
        described = ArchivedRun(
            run_id=origin_of(run),
            name=self._text(recorded.info.run_name or ""),
            experiment=run.experiment,
            store=run.tags.get(Tag.IMPORTED_FROM, kind_of_store(self.store)),
            status=recorded.info.status,
            started=recorded.info.start_time or None,
            ended=recorded.info.end_time or None,
            params=self._texts(recorded.data.params),
            tags=self._tags(run),
            datasets=[self._dataset(one) for one in (recorded.inputs.dataset_inputs if recorded.inputs else ())],
            models=[self._described(model, output.step) for output, model in models],
        )
        self._metrics(f"{place}/metrics.jsonl", recorded, [model for _, model in models])
        whole = Tag.COMPLETE in run.tags
        own = self._files(exported, f"{place}/artifacts", run.artifact_uri, whole=whole)
        if whole and Tag.TEST_SET in run.tags and "predictions.parquet" not in own:
            lost = "predictions.parquet" if own else "its files"
            raise StoreError(f"run {run.label} has lost {lost}", hint=f"expctl show {run.run_id[:8]}")
        for number, (_, model) in enumerate(models):
            files = self._files(
                exported, f"{place}/models/{number}", model.artifact_location, whole=Tag.MODEL_DIGEST in run.tags
            )
            if not files and model.status.value == "READY":  # so are models that live elsewhere
                self.bare.append(f"{model.name} of run {run.described}")
        content = described.to_json()
        with tempfile.TemporaryFile() as stream:
            stream.write(content)
            stream.seek(0)
            self.writer.add(f"{place}/run.json", stream, len(content))
        return exported

    def _model(self, model_id: str) -> Any:
        """A logged model; None for one that has been dropped."""
        from mlflow.exceptions import MlflowException

        try:
            return self.store.client.get_logged_model(model_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _described(self, model: Any, step: int) -> ArchivedModel:
        return ArchivedModel(
            model.name, model.model_type, model.status.value, step, self._texts(model.tags), self._texts(model.params)
        )

    def _dataset(self, given: Any) -> ArchivedData:
        data = given.dataset
        return ArchivedData(
            self._text(data.name),
            data.digest,
            data.source_type,
            self._text(data.source, mask_secrets),
            data.schema,
            data.profile,
            {tag.key: tag.value for tag in given.tags},
        )

    def _tags(self, run: RunRecord) -> dict[str, str]:
        """The tags, in which runs are called by the ids under which they were first recorded."""
        tags = {key: value for key, value in run.tags.items() if key not in OF_THE_STORE}
        with suppress(ValueError, TypeError, RecursionError):  # whoever can write to a store can write such a tag
            tags |= json.loads(run.tags.get(Tag.IMPORTED_TRIAL, "{}"))
        masked = self._texts(dict(sorted(tags.items())))
        return {key: RUN_ID.sub(lambda word: self._origin(word[0]), value) for key, value in masked.items()}

    def _origin(self, word: str) -> str:
        if word not in self._origins:
            run = self.store.reader.get(word)
            self._origins[word] = word if run is None else origin_of(run)
        return self._origins[word]

    def _texts(self, texts: dict[str, str]) -> dict[str, str]:
        return {key: self._text(value) for key, value in texts.items()}

    def _text(self, text: str, mask: Callable[[str], str] = mask_passwords) -> str:
        masked = mask(text)
        self.masked += masked != text
        return masked

    def _metrics(self, name: str, recorded: Any, models: Sequence[Any]) -> None:
        """The whole history of each metric; what was measured of the run's own models stays linked to them."""
        links = defaultdict(list)
        for number, model in enumerate(models):
            for one in model.metrics or ():
                if one.run_id in (None, recorded.info.run_id):
                    link = (number, one.dataset_name, one.dataset_digest)
                    links[one.key, one.step, one.timestamp].append(link)
        with tempfile.TemporaryFile() as stream:
            for key in sorted(recorded.data.metrics):
                for one in self._history(recorded, key):
                    its = links.get((key, one.step, one.timestamp), ())
                    point = ArchivedPoint(key, stored_number(one.value), one.step, one.timestamp, its)
                    stream.write(point.to_json())
            size = stream.tell()
            stream.seek(0)
            self.writer.add(name, stream, size)

    def _history(self, recorded: Any, key: str) -> Sequence[Any]:
        """The values of a metric. Of those that a complete run recorded all at once, at its end, there is one each."""
        if Tag.COMPLETE in recorded.data.tags and key in _AT_THE_END:
            latest = compat.latest_values(recorded)[key]
            if latest.step == 0 and latest.timestamp <= (recorded.info.end_time or 0):
                return [latest]
        with store_errors(self.store.settings):
            history: Sequence[Any] = self.store.client.get_metric_history(recorded.info.run_id, key)
        return history

    def _files(self, exported: Exported, place: str, uri: str, *, whole: bool) -> set[str]:
        """Write the files of a folder, and give their paths. Raises StoreError where a `whole` run's is not there."""
        folder = local_folder(located(self.store, uri))
        if folder is not None and not is_folder(folder):
            if whole:
                raise lost(self.store, exported.run, folder)
            return set()
        written = set()
        with ExitStack() as stack:
            if folder is None and server_of(self.store, uri) is not None:
                folder = stack.enter_context(temporary_folder())
                fetch_folder(self.store, uri, folder)
            for path, opened in _walked(folder) if folder is not None else _fetched(self.store, uri):
                with opened as (stream, size):
                    self.writer.add(f"{place}/{path}", stream, size)
                exported.files += 1
                exported.bytes += size
                written.add(path)
        return written


def kind_of_store(store: Store) -> str:
    """What a store is, and nothing of where: sqlite, server, or the scheme of another."""
    uri = store.settings.tracking_uri
    return "server" if uris.is_server(uri) else uri.partition(":")[0].partition("+")[0] or "file"


def _walked(folder: Path) -> Iterator[tuple[str, Any]]:
    """The files of a folder, in the order of their paths."""

    def refuse(error: OSError) -> None:
        raise StoreError(f"cannot read {error.filename}: {error.strerror}", hint="check its permissions") from error

    found = [
        Path(place, name)
        for place, folders, files in bounded(os.walk(folder, onerror=refuse))
        for name in [*files, *folders]
        if name in files or Path(place, name).is_symlink()
    ]
    for path in sorted(found):
        yield path.relative_to(folder).as_posix(), _opened(path)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file and its size. Raises DataError for a link, which may lead to what is not the run's, and for a pipe."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise DataError(f"{path} is a link, or no file: an archive holds neither", hint="put a file in its place")
        stream = path.open("rb")
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error
    with stream:
        yield stream, os.fstat(stream.fileno()).st_size


def _fetched(store: Store, uri: str) -> Iterator[tuple[str, Any]]:
    """The files of a folder that is not on this machine, fetched one at a time."""
    prepare(store.settings)
    with store_errors(store.settings):
        repository = compat.artifact_repository(uri, store.uri)
        paths = sorted(path for path, _ in listed(repository))
    for path in paths:
        yield path, _downloaded(store, repository, path)


@contextmanager
def _downloaded(store: Store, repository: Any, path: str) -> Iterator[tuple[BinaryIO, int]]:
    with temporary_folder() as folder:
        with store_errors(store.settings):
            local = Path(repository.download_artifacts(path, str(folder)))
        with _opened(local) as opened:
            yield opened
