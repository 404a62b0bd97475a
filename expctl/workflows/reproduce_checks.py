"""What every reproduction looks at, of a training or a program: whether the run is one, and what is not as it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from expctl import __version__
from expctl.analysis.reproduction import Deviation
from expctl.errors import RunNotFound
from expctl.records import MACHINE, Tag
from expctl.tracking.runs import provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def check_complete(run: RunRecord) -> None:
    """Raise RunNotFound for a run that failed, was stopped, or is being recorded."""
    if Tag.COMPLETE not in run.tags:
        where = f"run {run.described} is {run.status} and not complete"
        raise RunNotFound(where, hint=f"expctl show {run.run_id[:8]}")


def environment(store: Store, run: RunRecord, now: Mapping[str, str], chosen: Iterable[str] | None) -> list[Deviation]:
    """What machine and packages are not as they were. `now` are the packages of today, `chosen` those that matter,
    None all.
    """
    here = provenance.machine_tags(computes=Tag.PROGRAM not in run.tags)
    found = list(differing("environment", {key: run.tags.get(key) for key in MACHINE}, here))
    then = provenance.read_requirements(store.read_artifact(run, "requirements.txt") or b"")
    if then:
        keys = sorted({*then, *now}) if chosen is None else chosen
        found += differing("environment", {key: then.get(key) for key in keys}, now)
    return found


def code(store: Store, run: RunRecord) -> list[Deviation]:
    """What of expctl, the commit and the uncommitted changes is not as it was."""
    found = list(differing("code", {"expctl": run.tags.get(Tag.VERSION)}, {"expctl": __version__}))
    present = provenance.read_code()
    now = {} if present is None else present.tags()
    found += differing("code", {Tag.GIT_COMMIT: run.tags.get(Tag.GIT_COMMIT)}, now)
    patch = store.read_artifact(run, "source.patch") if run.tags.get(Tag.GIT_DIRTY) == "true" else None
    theirs, ours = _digest(patch), _digest(present.patch if present else None)
    found += differing("code", {"uncommitted changes": theirs}, {"uncommitted changes": ours})
    return found


def differing(section: Any, then: Mapping[str, str | None], now: Mapping[str, Any]) -> Iterator[Deviation]:
    """What of some values is another now."""
    return (Deviation(section, key, value, now.get(key)) for key, value in then.items() if value != now.get(key))


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
