"""The files of a run: read where they lie on this machine, asked of the tracking server where that hands them out, else
fetched by MLflow's client.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar

from expctl import compat
from expctl.errors import StoreError
from expctl.records import Tag
from expctl.temporary import temporary_folder
from expctl.tracking import uris
from expctl.tracking.client import prepare
from expctl.tracking.errors import store_errors
from expctl.tracking.places import is_folder
from expctl.tracking.runs.locations import bounded, check_inside, copy_files, located
from expctl.tracking.uris import local_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.readers.rest import RestReader
    from expctl.tracking.store import Store


_Thing = TypeVar("_Thing")

_AT_ONCE: Final = 8  # files between a server and us: MLflow keeps ten connections open


@dataclass(frozen=True)
class Artifact:
    """A file of a run: its path below the run's artifacts, and its size in bytes where the store tells it."""

    path: str
    size: int | None


def list_files(store: Store, run: RunRecord) -> list[Artifact]:
    """All files of a run, those of its logged models under their names."""
    found: dict[str, Artifact] = {}
    for name, uri in store.reader.folders(run):
        folder, server = local_folder(located(store, uri, None if name else run.run_id)), server_of(store, uri)
        if folder is not None:
            files: Iterable[Artifact] = _walked(folder, name)
        elif server is not None:
            files = (Artifact((PurePosixPath(name) / path).as_posix(), size) for path, size in server.files(uri))
        else:
            files = _fetched(store, uri, name)
        found.update({file.path: file for file in bounded(files)})
    return sorted(found.values(), key=lambda file: file.path)


def server_of(store: Store, uri: str) -> RestReader | None:
    """The tracking server that hands out the files of a folder; None for a folder that it does not."""
    if not uris.is_server(store.uri):
        return None
    from expctl.tracking.readers.rest import RestReader, hands_out

    return store.reader if isinstance(store.reader, RestReader) and hands_out(uri) else None


def _walked(folder: Path, name: str) -> Iterator[Artifact]:
    for place, _, files in bounded(os.walk(folder)):
        for file in files:
            path = Path(place) / file
            yield Artifact((Path(name) / path.relative_to(folder)).as_posix(), _size(path))


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
        return None if stat.S_ISLNK(found.st_mode) else found.st_size
    except OSError:  # it may not be looked at
        return None


def _fetched(store: Store, uri: str, name: str) -> list[Artifact]:
    prepare(store.settings)
    with store_errors(store.settings):
        found = listed(compat.artifact_repository(uri, store.uri))
        return [Artifact((PurePosixPath(name) / path).as_posix(), size) for path, size in found]


def listed(repository: Any) -> Iterator[tuple[str, int | None]]:
    """Path and size of each file in one of MLflow's artifact repositories, at any depth."""
    for entry in bounded(_entries(repository)):
        if not entry.is_dir:
            yield entry.path, entry.file_size


def _entries(repository: Any) -> Iterator[Any]:
    inner: list[str | None] = [None]
    while inner:
        for entry in repository.list_artifacts(inner.pop()):
            if entry.is_dir:
                inner.append(entry.path)
            yield entry


def read_file(store: Store, run: RunRecord, path: str) -> bytes | None:
    """The content of one file of a run; None if the run has no such file.

    Raises StoreError if it cannot be read, or if the folder of a complete run is not there: the store has been moved.
    """
    address = located(store, run.artifact_uri, run.run_id)
    folder = local_folder(address)
    if folder is None:
        server = server_of(store, run.artifact_uri)
        if server is None:
            return _downloaded(store, run, path)
        content = server.file(run.artifact_uri, path)
        if content is None and Tag.COMPLETE in run.tags and next(server.files(run.artifact_uri), None) is None:
            raise StoreError(f"the files of run {run.label} are not on the server", hint="were they moved or removed?")
        return content
    if Tag.COMPLETE in run.tags and not is_folder(folder):
        raise lost(store, run, folder)
    check_inside(folder, folder / path)
    try:
        return (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {folder / path}: {error.strerror}", hint="check its permissions") from error


def fetch_folder(store: Store, uri: str, target: Path) -> None:
    """Copy the files of a folder, of a logged model for example, into a folder of one's own.

    Raises StoreError where a server names a file that is not below it, and what MLflow raises for other places.
    """
    folder, server = local_folder(located(store, uri)), server_of(store, uri)
    if folder is not None:
        copy_files(folder, target)
        return
    if server is None:
        compat.artifact_repository(uri, store.uri).download_artifacts("", str(target))
        return

    def fetch(path: str) -> None:
        place = target / path
        below = place.resolve().is_relative_to(target.resolve())
        if below:
            place.parent.mkdir(parents=True, exist_ok=True)
        if not (below and server.download(uri, path, place)):
            raise StoreError(f"the server has no file {path!r} of {uri}", hint="try again")

    _side_by_side(fetch, [path for path, _ in server.files(uri)])


def send_folder(store: Store, folder: Path, address: str, place: str = "") -> None:
    """Copy the files of a folder to the address of a run or a model, into the folder `place` there. To a server that
    keeps them itself they go several at once. Raises what MLflow raises.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    if not files:
        return
    located(store, address)
    repository = compat.artifact_repository(address, store.uri)
    if not (uris.is_server(store.uri) and address.startswith("mlflow-artifacts:")):
        repository.log_artifacts(str(folder), place or None)
        return

    def send(path: Path) -> None:
        below = PurePosixPath(place, path.parent.relative_to(folder).as_posix()).as_posix()
        repository.log_artifact(str(path), None if below == "." else below)

    _side_by_side(send, files)


def _side_by_side(act: Callable[[_Thing], None], each: Sequence[_Thing]) -> None:
    """Do it for each, several at once. Raises what the first raises that fails; the others are not waited for then,
    nor where a signal ends it.
    """
    from multiprocessing.pool import ThreadPool

    with ThreadPool(max(1, min(_AT_ONCE, len(each)))) as pool:
        for _ in pool.imap_unordered(act, each):
            pass


def lost(store: Store, run: RunRecord, folder: Path) -> StoreError:
    """The error for a run whose files should be in a folder of this machine, and are not."""
    home, told = store.places.home, f"the files of run {run.label} are not at {folder}"
    if home is None:
        return StoreError(told, hint="are they on another machine, moved or removed?")
    near = "" if store.places.is_near(folder) else f", nor in {home / uris.ARTIFACT_FOLDER}"
    return StoreError(
        told + near,
        hint="if they were moved, mlartifacts belongs beside the database; expctl doctor tells what is missing",
    )


def delete_files(store: Store, address: str) -> None:
    """Delete the files at a recorded address for good. Raises StoreError for those beside another database."""
    store.check_own(address)
    compat.artifact_repository(located(store, address), store.uri).delete_artifacts()


def _downloaded(store: Store, run: RunRecord, path: str) -> bytes | None:
    prepare(store.settings)
    with store_errors(store.settings), temporary_folder() as folder:
        repository = compat.artifact_repository(run.artifact_uri, store.uri)
        try:
            return Path(repository.download_artifacts(path, str(folder))).read_bytes()
        except Exception:  # each kind of storage has its own, and many for a file that is not there
            if path not in {entry.path for entry in repository.list_artifacts(path.rpartition("/")[0] or None)}:
                return None
            raise
