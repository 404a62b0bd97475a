"""What `doctor` found, as a sheet. Values only: nothing is rounded or coloured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Brief, Cell, Column, Sheet, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from expctl.workflows.doctor_check import Check


def checks_sheet(
    settings: Mapping[str, tuple[str, str]], checks: Iterable[Check], versions: Mapping[str, str]
) -> Sheet:
    """`doctor`: settings, each with where it came from, the checks, versions. Its ids are the orphans that are left."""
    checks = list(checks)
    columns = [
        Column("section", kind="section"),
        Column("check", width=None),
        Column("found", width=None, kept=True),
        Column("from"),
        Column("status"),
        Column("next", width=None),
    ]
    rows: list[list[Cell]] = []
    for name, (value, source) in settings.items():
        rows.append(["settings", name, value or None, source, None, None])
    for one in checks:
        rows.append([one.section, one.name, _found(one), None, one.status, one.next])
    for name, found in versions.items():
        rows.append(["versions", name, found, None, None, None])
    ids = [one.run_id for one in checks if one.run_id is not None]
    return Sheet("checks", columns, rows, ids=ids, objects=("settings", "store", "runs", "versions"))


def _found(one: Check) -> Cell:
    if isinstance(one.found, int):
        return Size(one.found)
    return one.found if one.whole is None else Brief(one.found, one.whole)
