"""`edit`: name, note and tags of recorded runs, changed. What a run is evidence of stays (`runs/evidence.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expctl.errors import UsageError, mask_passwords
from expctl.filters.expression import EVERY_RUN
from expctl.records import Tag
from expctl.tracking.runs import evidence
from expctl.tracking.runs.items import RemovedTag, TagValue
from expctl.tracking.runs.metadata import RunMetadata, check_labels
from expctl.tracking.runs.references import resolve_set
from expctl.tracking.runs.writer import RunWriter
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What is to change: None is left as it is, an empty note is taken away.

    Raises UsageError for what cannot be changed, or no store could hold, and for a request of nothing.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[str] = ()
    name: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not (self.tags or self.removed) and self.name is None and self.note is None:
            raise UsageError("edit: nothing to change", hint="-t KEY=VALUE, --remove-tag KEY, --name N or --note TEXT")
        check_labels(RunMetadata(self.name, {**dict.fromkeys(self.removed, ""), **self.tags}, self.note))
        for key in (*self.tags, *self.removed):
            if key in evidence.TAGS:
                raise UsageError(f"tag {key!r} says how the run was made", hint="choose another key")
        both = next((key for key in self.removed if key in self.tags), None)
        if both is not None:
            raise UsageError(f"tag {both!r} is both set and removed", hint="give it once")


@dataclass(frozen=True, slots=True)
class Change:
    """What changes of a run: "name", "note" or "tags.KEY". None: there was none, or is none any more."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """The changes of one run, which may be none."""

    run: RunRecord
    changes: Sequence[Change]


def to_edit(store: Store, references: Iterable[str], filter: str, request: EditRequest) -> list[Edit]:
    """The runs that references (globs and filters too) and a filter mean, each once, with what would change.

    Raises RunNotFound for a reference that means none, UsageError for one name for several runs.
    """
    found = [run for reference in references for run in resolve_set(store, reference, among=EVERY_RUN)]
    found += store.find(filter) if filter.strip() else []
    runs = list({run.run_id: run for run in found}.values())
    if request.name is not None and len(runs) > 1:
        raise UsageError(f"--name names one run, and {plural(len(runs), 'run')} match", hint="use the id of one")
    return [Edit(run, [one for one in _changes(run, request) if one.before != one.after]) for run in runs]


def _changes(run: RunRecord, request: EditRequest) -> Iterator[Change]:
    if request.name is not None:
        yield Change("name", run.name, mask_passwords(request.name))
    if request.note is not None:
        yield Change("note", run.tags.get(Tag.NOTE), mask_passwords(request.note) or None)
    for key, value in request.tags.items():
        yield Change(f"tags.{key}", run.tags.get(key), mask_passwords(value))
    for key in dict.fromkeys(request.removed):
        yield Change(f"tags.{key}", run.tags.get(key), None)


def apply(store: Store, edits: Iterable[Edit]) -> Iterator[Edit]:
    """Write the changes; gives each run when it is done."""
    for edit in edits:
        writer = RunWriter(store, edit.run)
        for change in edit.changes:
            if change.key == "name":
                writer.rename(change.after or "")
        tags = [(_tag(change.key), change.after) for change in edit.changes if change.key != "name"]
        writer.write(RemovedTag(key) if value is None else TagValue(key, value) for key, value in tags)
        yield edit


def _tag(key: str) -> str:
    return Tag.NOTE if key == "note" else key.removeprefix("tags.")
