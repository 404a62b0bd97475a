"""`get`: the files of a run, listed and brought here."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from expctl.errors import ExpctlError, RunNotFound, UsageError, closest
from expctl.temporary import temporary_folder
from expctl.tracking.runs.artifact_copies import RunFiles
from expctl.tracking.runs.references import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.runs.artifacts import Artifact
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a run: those below one of its folders, all of them, or a single one."""

    run: RunRecord
    found: Sequence[Artifact]
    single: bool


def find(store: Store, reference: str, path: str | None) -> Files:
    """The files at a path of the run that a reference means. Raises RunNotFound for no such run, or no such file."""
    run = resolve(store, reference)
    files = store.artifacts(run)
    wanted = "/".join(part for part in (path or "").split("/") if part not in ("", "."))
    if not wanted:
        return Files(run, files, single=False)
    same = [file for file in files if file.path == wanted]
    below = [file for file in files if file.path.startswith(f"{wanted}/")]
    if not same and not below:
        paths = {file.path for file in files} | {file.path.partition("/")[0] for file in files}
        raise RunNotFound(
            f"run {run.described} has no file {wanted!r}{closest(wanted, sorted(paths))}",
            hint=f"expctl get {run.run_id[:8]}",
        )
    return Files(run, same or below, single=bool(same))


def copy(store: Store, files: Files, target: Path, progress: Callable[[str], None]) -> list[Path]:
    """Copy files into a folder, made if it is not there, at their paths; gives where each is.

    They are fetched beside their places and put there when all are here. Raises UsageError for a place that is taken or
    leads out of the folder, before anything is fetched, ExpctlError for too little space.
    """
    _check_free(files, target)
    made = _make(target)
    try:
        with tempfile.TemporaryDirectory(prefix=".expctl-", dir=target) as scratch:
            source = RunFiles(store, files.run)
            for number, file in enumerate(files.found):
                progress(file.path)
                source.copy(file.path, Path(scratch) / str(number))
            return [_put(Path(scratch) / str(number), target / file.path) for number, file in enumerate(files.found)]
    except BaseException:
        for folder in made:
            _remove_empty(folder)
        raise


def _check_free(files: Files, target: Path) -> None:
    home = target.resolve()
    if home.exists() and not home.is_dir():
        raise UsageError(f"--output {target} is not a folder", hint="name a folder")
    for file in files.found:
        place = target / file.path
        if not place.resolve().is_relative_to(home):
            raise UsageError(f"{place} is not in {target}", hint="name another folder")
        above = [target / one for one in Path(file.path).parents]
        taken = next((one for one in above if one.is_file()), place if place.exists() or place.is_symlink() else None)
        if taken is not None:
            raise UsageError(f"{taken} already exists", hint="remove it first, or name another folder")


def _make(target: Path) -> list[Path]:
    """Make a folder; gives those that were made, the innermost first. Raises UsageError where that is not allowed."""
    missing = [one for one in (target, *target.parents) if not one.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {target}: {error.strerror}", hint="name a folder that you may make") from error
    return missing


def _put(here: Path, place: Path) -> Path:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        here.rename(place)
    except OSError as error:
        raise ExpctlError(f"cannot write {place}: {error.strerror}", hint="check its folder") from error
    return place


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


@contextmanager
def opened(store: Store, files: Files) -> Iterator[Path]:
    """A copy of a single file, for as long as the block lasts."""
    with temporary_folder() as folder:
        place = folder / "file"
        RunFiles(store, files.run).copy(files.found[0].path, place)
        yield place
