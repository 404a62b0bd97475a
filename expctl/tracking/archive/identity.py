"""Which run of one store is which of another: a run is known by the id under which it was first recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from expctl.filters.expression import Condition, Field
from expctl.records import Tag

if TYPE_CHECKING:
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

# A run's id within a text.
RUN_ID: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def origin_of(run: RunRecord) -> str:
    """The id under which a run was first recorded, in whatever store."""
    return run.tags.get(Tag.IMPORTED_ID, run.run_id)


def is_half(run: RunRecord) -> bool:
    """Whether a run's import was cut short, or goes on."""
    return Tag.IMPORTED_ID in run.tags and Tag.IMPORTED not in run.tags


def find_origin(store: Store, origin: str) -> RunRecord | None:
    """The run of a store that was first recorded under an id, there or elsewhere; one that is there and whole first."""
    own = store.reader.get(origin)
    if own is not None:
        return own
    same = Condition(Field("tags", Tag.IMPORTED_ID), "=", origin)
    found = [*store.find(also=same, everywhere=True), *store.find(also=same, everywhere=True, deleted=True)]
    found = [run for run in found if not (run.deleted and is_half(run))]
    return min(found, key=lambda run: (is_half(run), run.deleted), default=None)
