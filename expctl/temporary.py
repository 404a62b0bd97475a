"""Temporary folders that are removed also where their process was killed: by the next one.

A folder `expctl-X` has a file `expctl-X.lock` beside it, which its process holds locked; the system lets go of it when
that is gone, however it ended. By a lock and not by a process id, which means nothing to another container or machine
that has the same folder for its temporary files.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PREFIX: Final = "expctl-"
_LOCK: Final = ".lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder for temporary files, for nobody else, which is gone after the block. Raises OSError."""
    lock, held = _held_lock()
    folder = _folder_of(lock)
    try:
        folder.mkdir(0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if sys.platform == "win32":  # which removes no file that is open
            os.close(held)
            lock.unlink(missing_ok=True)
        else:
            lock.unlink(missing_ok=True)
            os.close(held)


def _held_lock() -> tuple[Path, int]:
    """A new lock, which this process holds as long as the file is open."""
    while True:
        lock = Path(tempfile.gettempdir(), f"{_PREFIX}{os.urandom(8).hex()}{_LOCK}")
        held = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with suppress(OSError):  # a file system without locks: nobody can tell that it is left
            _lock(held, wait=True)
        with suppress(FileNotFoundError):
            if lock.stat().st_ino == os.fstat(held).st_ino:
                return lock, held
        os.close(held)  # another process took it for a left one before it was locked


def remove_left_ones() -> list[str]:
    """Remove the temporary folders of this user's processes that are gone; gives their names. Raises OSError where one
    may not look at temporary files.
    """
    removed = []
    with os.scandir(tempfile.gettempdir()) as found:
        locks = [Path(one.path) for one in found if one.name.startswith(_PREFIX) and one.name.endswith(_LOCK)]
    for lock in locks:
        with suppress(OSError):
            if _is_ours(lock.lstat(), stat.S_ISREG) and _removed(lock):
                removed.append(lock.name.removesuffix(_LOCK))
    return removed


def _removed(lock: Path) -> bool:
    """Remove what belongs to a lock. Raises OSError where a process holds it, or where it cannot be removed."""
    folder = _folder_of(lock)
    if sys.platform == "win32":
        lock.unlink()  # the system refuses that while it is open
        shutil.rmtree(folder, ignore_errors=True)
        return True
    else:  # and no return before: mypy sees one platform at a time
        held = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        try:
            _lock(held, wait=False)
            with suppress(FileNotFoundError):
                if not _is_ours(folder.lstat(), stat.S_ISDIR):
                    return False
                shutil.rmtree(folder)
            lock.unlink()
            return True
        finally:
            os.close(held)


def _folder_of(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix(_LOCK))


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    return found.st_uid == getattr(os, "geteuid", lambda: found.st_uid)() and is_kind(found.st_mode)


def _lock(held: int, *, wait: bool) -> None:
    """Lock an open file. Raises OSError where another process has locked it, unless that is waited for."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
