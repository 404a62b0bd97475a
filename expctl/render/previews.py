"""What `train --dry-run` shows, as a sheet. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.data_issues import counts
from expctl.errors import mask_secrets
from expctl.render.sheet import Brief, Cell, Column, Sheet, Size
from expctl.render.views import setting
from expctl.training.models.configure import defaults_for

if TYPE_CHECKING:
    from expctl.workflows.train_preview import Preview


def preview_sheet(preview: Preview) -> Sheet:
    """The recipe, with what its base had otherwise, the data, what each column is read for, the split, the checks.

    The fact `existing_run` is the run that would be repeated, none where there is none.
    """
    recipe, split, existing = preview.request.recipe, preview.split, preview.existing
    rows: list[list[Cell]] = [
        ["recipe", key, _cell(value), _was(preview, key)]
        for key, value in recipe.values().items()
        if (value is not None or key in preview.changes or key in recipe.parameters)
        and (key != "text_column" or recipe.columns is None)
    ]
    data: dict[str, Cell] = {"data_hash": split.data_hash, "data_bytes": Size(split.data_bytes)}
    if split.test_data_hash is not None:
        data["test_data_hash"] = split.test_data_hash
    rows += [["data", key, value] for key, value in data.items()]
    rows += [
        ["columns", name, role, None, None, None, *preview.cells.get(name, (None, None))]
        for name, role in preview.columns.items()
    ]
    train, test = len(split.train), len(split.test)
    rows.append(["split", "rows", train + test, None, train, test])
    rows += [["classes", name, sum(both), None, *both] for name, both in preview.classes.items()]
    rows += [["target", name, None, None, *both] for name, both in preview.numbers.items()]
    rows += [["checks", key, count] for key, count in counts(split.data_issues).items()]
    columns = [
        Column("section", kind="section"),
        Column("key", width=None),
        Column("value", width=None, kept=True),
        Column("was", width=None),
        Column("train", kind="number"),
        Column("test", kind="number"),
    ]
    if preview.cells:
        columns += [Column("missing", kind="number"), Column("different", kind="number")]
    rows = [[*row, *[None] * len(columns)][: len(columns)] for row in rows]
    command = recipe.command(defaults_for(recipe))
    facts: dict[str, Cell] = {
        "command": mask_secrets(command),
        "existing_run": None if existing is None else existing.run_id,
    }
    return Sheet("preview", columns, rows, facts=facts)


def _was(preview: Preview, key: str) -> Cell:
    return _cell(preview.changes[key]) if key in preview.changes else None


def _cell(value: Cell) -> Cell:
    """A value as it is typed: none of an option that is not set, which machines read as null."""
    if value is None:
        return Brief("none", None)
    return mask_secrets(value) if isinstance(value, str) else setting(value)
