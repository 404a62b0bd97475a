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
    name = "addresses"
    try:
        changes = addresses.outdated(path)
    except ExpctlError as error:
        return Check("store", name, error.message, "failed", error.hint), {}
    if not changes:
        return Check("store", name, "those of the files are right", "ok"), {}
    first, count = changes[0], plural(len(changes), "address", "addresses")
    whole = f"the store was moved or copied: {count} not where the files are, as {first.before} for {first.after}"
    right = {one.before: one.after for one in changes}
    if not fix:
        found = f"moved or copied: {count} to set right"
        return Check("store", name, found, "warning", "expctl doctor --fix", whole=whole), right
    try:
        done = addresses.rewrite(path)
    except ExpctlError as error:
        return Check("store", name, error.message, "failed", error.hint, whole=f"{whole}; {error.message}"), right
    if done is None:  # another process has, meanwhile
        return Check("store", name, "those of the files are right", "ok"), {}
    found = f"{plural(len(done.changes), 'address', 'addresses')} set right; backup: {done.backup.name}"
    return Check("store", name, found, "fixed", whole=str(done)), {}


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
    told = f"{plural(len(found), 'folder')}, {sum(one.size for one in found):,} bytes"
    whole = f"{told}: {_named([str(one.folder) for one in found])}"
    if fix:
        aside = leftovers.move_aside(path, found)
        return Check("store", name, f"{told}; now in {aside.name}", "fixed", whole=f"{whole}; now in {aside}")
    return Check("store", name, told, "warning", "expctl doctor --fix moves them aside", whole=whole)


def _bare(path: Path) -> Check:
    name = "runs_without_files"
    found = leftovers.bare(path)
    if not found:
        return Check("store", name, "none", "ok")
    told = f"{plural(len(found), 'run')}: {_named([f'{one.name} ({one.run_id[:8]})' for one in found])}"
    elsewhere = [one for one in found if one.elsewhere]
    if elsewhere:
        told, next = f"{told}; beside another database", "copy the folder mlartifacts beside the database, too"
        return Check("store", name, told, "warning", next, whole=f"{told}, as {elsewhere[0].folder}")
    next = "restore them from a backup, or expctl delete --purge RUN"
    return Check("store", name, told, "warning", next, whole=f"{told}; none in {found[0].folder}")


def _named(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SHOWN], *(["..."] if len(names) > _SHOWN else [])])
