"""Files of a run brought to a folder of one's own: below it alone, through no link, each whole or not at all.

A store may name any path, and a folder of a run may hold any link: what would lead out of either is refused.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from expctl import compat
from expctl.errors import DataError, StoreError
from expctl.tracking.errors import store_errors
from expctl.tracking.runs.artifacts import server_of
from expctl.tracking.runs.locations import located
from expctl.tracking.uris import local_folder

if TYPE_CHECKING:
    from expctl.records import RunRecord
    from expctl.tracking.store import Store


class RunFiles:
    """Where the files of one run are, those of its logged models under their names."""

    def __init__(self, store: Store, run: RunRecord) -> None:
        self._store = store
        self._run = run
        # The longest name first: a model's folder hides what the run has itself at that place, as in its listing.
        self._folders = sorted(store.reader.folders(run), key=lambda one: -len(one[0]))

    def copy(self, path: str, target: Path) -> None:
        """Write the file at a path of the run's listing to `target`, a new file in a folder that is there.

        Raises StoreError for what the store cannot give, or has where MLflow keeps no files, DataError for a path that
        leads out of the run's folder.
        """
        _check_below(path)
        name, uri = next(one for one in self._folders if not one[0] or path.startswith(f"{one[0]}/"))
        inner = path.removeprefix(f"{name}/") if name else path
        address = located(self._store, uri, None if name else self._run.run_id)
        folder, server = local_folder(address), server_of(self._store, uri)
        if folder is not None:
            _copy_plain(folder, inner, target)
        elif server is not None:
            if not server.download(uri, inner, target):
                raise StoreError(f"the server has no file {path!r} of this run", hint="try again")
        else:
            self._fetch(uri, inner, target)

    def _fetch(self, uri: str, path: str, target: Path) -> None:
        """By MLflow's client, which makes the folders above a file too."""
        scratch = target.with_name(f"{target.name}.d")
        scratch.mkdir()
        with store_errors(self._store.settings):
            found = compat.artifact_repository(uri, self._store.uri).download_artifacts(path, str(scratch))
        Path(found).replace(target)
        shutil.rmtree(scratch)


def _check_below(path: str) -> None:
    """Raise DataError for a path that is not plainly below a folder, on whatever system."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(char in path for char in "\\\0") or ":" in parts[0]:
        raise DataError(f"the store names a file outside of the run's folder: {path!r}", hint="it is not fetched")


def _copy_plain(folder: Path, path: str, target: Path) -> None:
    """Copy a regular file that is reached from a folder through folders. Raises DataError for a link, or a device."""
    place = folder
    try:
        for part in PurePosixPath(path).parts:
            place /= part
            mode = place.lstat().st_mode
            if not (stat.S_ISREG(mode) if place == folder / path else stat.S_ISDIR(mode)):
                raise DataError(f"{place} is a link or no file", hint="put the file itself in its place")
        # Between that look and now somebody may have put a link there.
        source = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(source, "rb") as stream, target.open("xb") as copy:
            shutil.copyfileobj(stream, copy)
    except OSError as error:
        raise StoreError(f"cannot copy {place}: {error.strerror}", hint="check free space and permissions") from error
