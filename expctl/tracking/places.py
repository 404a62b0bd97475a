"""Where the files of an SQLite store lie now, whose folder may have been moved or copied since it recorded where.

MLflow records absolute addresses. What lies beside the database as it did beside the former one (in its folder, or
below) is preferred: for an address of MLflow's own form only, in folders only, through no link. Knows paths and
addresses; not the database, nor MLflow.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from expctl.tracking.uris import ARTIFACT_FOLDER, local_folder

# Below the folder of an experiment: the files of a run, of a logged model, of a trace, each by its random id.
_BELOW: Final = re.compile(r"((?:[A-Za-z]:)?/.+)/((?:models/m-|traces/tr-)?[0-9a-f]{32}/artifacts(?:/.*)?)")
OURS: Final = re.compile(r"[A-Za-z0-9._-]+-[0-9a-f]{8}")  # the folder of an experiment, by `uris.artifact_location`


class Places:
    """The places of one SQLite file; with None those of any other store, which are where they are recorded."""

    def __init__(self, database: Path | None) -> None:
        self._near: tuple[Path, ...] = ()
        self._candidates: dict[Path, list[Path]] = {}
        self.home: Path | None = None
        if database is not None:
            self.home = database.resolve().parent
            self._near = (self.home, database.absolute().parent)
            owner = database.stat().st_uid if is_there(database) else -1
            self._owners = {owner, getattr(os, "geteuid", lambda: 0)()}

    def now(self, address: str) -> str:
        """Where the files recorded at an address of a run, model or trace are: beside the database, or there."""
        found = self._beside(self.folder(address))
        return address if found is None else respelled(address, found)

    def folder(self, address: str) -> Path | None:
        """The folder of this machine that an address names, of a store that may have been moved; else None."""
        folder = None if self.home is None else local_folder(address)
        return folder if folder is not None and folder.is_absolute() and ".." not in folder.parts else None

    def former_home(self, folder: Path) -> Path | None:
        """Where the database was when it recorded a folder of the form that expctl makes, always beside it.

        None for a folder of another form, and where that is still the place.
        """
        experiment = _split(folder)[0]
        former = experiment.parent.parent
        if experiment.parent.name != ARTIFACT_FOLDER or not OURS.fullmatch(experiment.name):
            return None
        return None if any(_same(former, near) for near in self._near) else former

    def is_near(self, folder: Path) -> bool:
        """Whether a folder is recorded as one that lies beside the database, or below."""
        if self.former_home(folder) is not None:
            return False
        return any(folder.is_relative_to(near) for near in self._near)

    def of_another(self, address: str) -> bool:
        """Whether files are beside another database than this, from which it was copied without them."""
        folder = self.folder(self.now(address))
        return folder is not None and self.former_home(folder) is not None and is_there(folder)

    def _beside(self, folder: Path | None) -> Path | None:
        if folder is None:
            return None
        experiment, below = _split(folder)
        if not below:
            return None
        for candidate in self._candidates_of(experiment):
            if candidate == experiment:
                return None
            place = candidate / below
            if self._is_trusted(place):
                return None if _same(place, folder) else place
        return None

    def _candidates_of(self, experiment: Path) -> list[Path]:
        """Where the folder of an experiment may lie now, the nearest to the database first."""
        if experiment not in self._candidates:
            assert self.home is not None
            ours = OURS.fullmatch(experiment.name) and experiment.parent.name == ARTIFACT_FOLDER
            counts = [2] if ours else range(1, len(experiment.parts))
            found = [self.home.joinpath(*experiment.parts[-count:]) for count in counts]
            self._candidates[experiment] = [one for one in found if one == experiment or is_folder(one)]
        return self._candidates[experiment]

    def _is_trusted(self, place: Path) -> bool:
        """Whether a place is a folder that is reached from the database through folders, none of them a stranger's.

        Where everybody may write, as in /tmp, anybody could have made one: it must be ours, or the database's owner's.
        """
        assert self.home is not None
        path = self.home
        try:
            above = path.lstat()
            for part in place.relative_to(path).parts:
                path /= part
                found = path.lstat()
                strange = above.st_mode & stat.S_IWOTH and found.st_uid not in self._owners
                if strange or not stat.S_ISDIR(found.st_mode):
                    return False
                above = found
        except (OSError, ValueError):
            return False
        return True


def is_there(path: Path) -> bool:
    """Whether something is at a path, as far as one may look: where one may not, `Path.exists` raises before 3.14."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: Path) -> bool:
    """Whether a folder is at a path, as far as one may look."""
    return os.path.isdir(path)  # noqa: PTH112


def respelled(address: str, folder: Path) -> str:
    """The address of a folder in the form of another address: a URI or a path."""
    return folder.as_uri() if address.startswith("file:") else str(folder)


def _split(folder: Path) -> tuple[Path, str]:
    """The folder of an experiment and what is below it; the whole and nothing if it has not MLflow's form."""
    found = _BELOW.fullmatch(folder.as_posix())
    return (folder, "") if found is None else (type(folder)(found[1]), found[2])


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except (OSError, ValueError):
        return False
