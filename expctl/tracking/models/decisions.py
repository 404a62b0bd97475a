"""The decisions of promotions, on the registered versions: each a tag of the version that a candidate was to beat.

A tag a decision, named by what was decided: two at the same time lose none, and one that is made again is the same.
Tags of versions are what every store and server with a registry has.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from expctl.records import Tag
from expctl.tracking.models.registry import tag_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.tracking.models.registry import Registered
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class PastDecision:
    """Whether a run may take an alias over from a version, by a metric on a test set. `fresh`: a history begins."""

    alias: str
    run_id: str
    version: int
    metric: str
    test_set: str
    fresh: bool = False
    at: str = ""

    @property
    def key(self) -> str:
        """The tag that it stands under: the same of the same decision."""
        what = json.dumps([self.alias, self.run_id, self.version, self.metric])
        return Tag.DECISION + hashlib.sha256(what.encode()).hexdigest()[:16]


_FIELDS = {one.name for one in fields(PastDecision)}


def of_alias(model: Registered, alias: str) -> list[PastDecision]:
    """All decisions about an alias, the oldest first; tags that are none of ours are passed over."""
    tags = [
        (key, text) for one in model.versions.values() for key, text in one.tags.items() if key.startswith(Tag.DECISION)
    ]
    found = [one for one in (_read(text) for _, text in tags) if one is not None and one.alias == alias]
    return sorted(found, key=lambda one: (one.at, one.key))


def _read(text: str) -> PastDecision | None:
    try:
        told = json.loads(text)
        one = PastDecision(**{key: value for key, value in told.items() if key in _FIELDS})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = (one.alias, one.run_id, one.metric, one.test_set, one.at)
    return one if all(isinstance(text, str) for text in texts) and isinstance(one.version, int) else None


def running(history: Sequence[PastDecision]) -> Sequence[PastDecision]:
    """The decisions since the last that began a history anew."""
    starts = [i for i, one in enumerate(history) if one.fresh]
    return history[starts[-1] :] if starts else history


def record(store: Store, model: Registered, decision: PastDecision) -> None:
    """Write a decision on the version that it is about, unless it stands there already, as `fresh` as it is now."""
    known = next((one for one in of_alias(model, decision.alias) if one.key == decision.key), None)
    if known is None or (decision.fresh and not known.fresh):
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        tag_version(store, model.name, decision.version, decision.key, json.dumps({**asdict(decision), "at": now}))
