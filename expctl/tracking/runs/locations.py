"""Where the files of a run or a model may be. What a store says of that is checked before anything is looked at there.

A server, or a database that somebody has sent, can name any folder of this machine as the place of a run's files.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from expctl.errors import DataError, StoreError, mask_secrets
from expctl.tracking.credentials import check_location
from expctl.tracking.uris import local_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from expctl.tracking.store import Store

_Thing = TypeVar("_Thing")

# As MLflow makes them: below the place of an experiment, for a run or a model that belongs to one; `/model` for the
# model of a run before MLflow 3.
_OWN_FORM: Final = re.compile(r".*/(?:(?P<run>[0-9a-f]{32})|models/m-[0-9a-f]{32})/artifacts(?P<model>/model)?")
_MOST: Final = 100_000  # files or folders of a run


def located(store: Store, address: str, run_id: str | None = None) -> str:
    """The address at which the files are now that a store has at an address, of the run of an id where one is given.

    Raises StoreError for a folder of this machine that MLflow would not have made for such files, for a place that is
    reached by a link, for an address that stands for another, and where credentials would be sent elsewhere.
    """
    check_location(store.settings, address)
    now = store.places.now(address)
    folder, scheme = local_folder(now), urlsplit(address).scheme
    if folder is None:
        if scheme in ("", "file", "runs", "models"):
            raise _refused(address)
        return now
    found = _OWN_FORM.fullmatch(folder.absolute().as_posix())
    if found is None or ".." in folder.parts or (run_id and found["run"] not in (None, run_id)):
        raise _refused(address)
    below = folder
    for _ in range(3 if found["model"] else 2):
        if os.path.islink(below):  # noqa: PTH114 - where one may not look, pathlib raises
            raise StoreError(f"{below} is a link to another place", hint="put the folder in its place")
        below = below.parent
    return now


def _refused(address: str) -> StoreError:
    return StoreError(
        f"the store says that the files are at {mask_secrets(address) or 'no address'}, where MLflow keeps none",
        hint="nothing was read or written there; is it a store that you trust?",
    )


def bounded(found: Iterable[_Thing]) -> Iterator[_Thing]:
    """All of these, files or folders. Raises StoreError where they have no end."""
    for number, one in enumerate(found):
        if number == _MOST:
            raise StoreError(f"a run has more than {_MOST:,} files or folders", hint="is it a store that you trust?")
        yield one


def check_inside(folder: Path, path: Path) -> None:
    """Raise StoreError for a path that leads out of a folder by a link, or is neither a file nor a folder."""
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        kind = path.stat().st_mode if inside else 0
    except (OSError, ValueError, RuntimeError):  # not there, and a circle of links: nothing to read
        return
    if not inside:
        raise StoreError(f"{path} is a link to another place", hint="put the file in its place")
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise StoreError(f"{path} is neither a file nor a folder", hint="put a file in its place")


def copy_files(folder: Path, target: Path) -> None:
    """Copy the files of a folder that has been `located` into another. Raises StoreError, for a link too."""
    try:
        for place, _, files in bounded(os.walk(folder)):
            for name in files:
                path = folder.joinpath(place, name)
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise DataError(f"{path} is a link, or no file", hint="put a file in its place")
                to = target / path.relative_to(folder)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror or error}", hint="check its permissions") from error
