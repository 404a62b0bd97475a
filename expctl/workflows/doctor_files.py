"""Whether the files of an SQLite store are where it says, and whether all are there; see doctor.

With `fix` the addresses of a store that was moved are set right, and files that belong to no run moved aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.errors import ExpctlError
from expctl.tracking.database import addresses, leftovers
from expctl.wording import plural
from expctl.workflows.doctor_check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SHOWN: Final = 3


def moved(path: Path, *, fix: bool) -> tuple[Check, dict[str, str]]:
    """The check of addresses, and those that are still to be set right, each with what it should be."""
    try:
        done = addresses.rewrite(path) if fix else None
        changes = addresses.outdated(path)
    except ExpctlError as error:
        return Check("store", "addresses", error.message, "failed", error.hint), {}
    if done is not None:
        return Check("store", "addresses", str(done), "fixed"), {}
    if not changes:
        return Check("store", "addresses", "those of the files are right", "ok"), {}
    first = changes[0]
    told = f"the store was moved or copied: {plural(len(changes), 'address', 'addresses')} not where the files are"
    found = f"{told}, as {first.before} for {first.after}"
    return Check("store", "addresses", found, "warning", "expctl doctor --fix"), {c.before: c.after for c in changes}


def files(path: Path, *, fix: bool) -> Iterator[Check]:
    """The checks of files that belong to no run, and of runs without files."""
    try:
        yield _unowned(path, fix=fix)
    except ExpctlError as error:
        yield Check("store", "files_of_no_run", error.message, "warning", error.hint)
    try:
        yield _bare(path)
    except ExpctlError as error:
        yield Check("store", "runs_without_files", error.message, "warning", error.hint)


def _unowned(path: Path, *, fix: bool) -> Check:
    name = "files_of_no_run"
    found = leftovers.unowned(path)
    if not found:
        return Check("store", name, "none", "ok")
    told = (
        f"{plural(len(found), 'folder')}, {sum(one.size for one in found):,} bytes:"
        f" {_named([str(one.folder) for one in found])}"
    )
    if fix:
        return Check("store", name, f"{told}; now in {leftovers.move_aside(path, found)}", "fixed")
    return Check("store", name, told, "warning", "expctl doctor --fix moves them aside")


def _bare(path: Path) -> Check:
    name = "runs_without_files"
    found = leftovers.bare(path)
    if not found:
        return Check("store", name, "none", "ok")
    told = f"{plural(len(found), 'run')}: {_named([f'{one.name} ({one.run_id[:8]})' for one in found])}"
    elsewhere = [one for one in found if one.elsewhere]
    if elsewhere:
        told += f"; beside another database, as {elsewhere[0].folder}"
        return Check("store", name, told, "warning", "copy the folder mlartifacts beside the database, too")
    told += f"; none in {found[0].folder}"
    return Check("store", name, told, "warning", "restore them from a backup, or expctl delete --purge RUN")


def _named(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SHOWN], *(["..."] if len(names) > _SHOWN else [])])
