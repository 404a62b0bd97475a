"""How often a test set has been used: each run and each decision that it has judged makes the next look better by luck.

Counts in the store, by the fingerprint of the test rows; reads no run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.filters.expression import FINISHED, Condition, Field, all_of
from expctl.records import Tag
from expctl.tracking.readers.protocol import BARE
from expctl.wording import plural

if TYPE_CHECKING:
    from expctl.filters.expression import Expression
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_COUNTED: Final = 200  # runs, where counting takes reading them
_FEW: Final = 10  # uses that no word is made of


@dataclass(frozen=True, slots=True)
class Wear:
    """How many finished runs were tested on some rows, and how many of them were candidates for a promotion.

    `more`: there are more runs than were counted.
    """

    runs: int
    candidates: int
    more: bool = False

    def __str__(self) -> str:
        """In words; nothing where it is little."""
        if self.runs + self.candidates < _FEW:
            return ""
        runs = f"{self.runs:,} runs or more" if self.more else plural(self.runs, "run")
        decided = f" and {plural(self.candidates, 'candidate')} for a promotion" if self.candidates else ""
        return f"its test set has judged {runs}{decided}: the best of many looks better than it is"


def wear_of(store: Store, run: RunRecord) -> Wear | None:
    """What the test set of a run has judged, in any experiment; None for a run that does not tell its test set."""
    if run.test_set is None:
        return None
    same = all_of(Condition(Field("tags", Tag.TEST_SET), "=", run.test_set), FINISHED)
    runs, more = _count(store, same)
    candidates, _ = _count(store, all_of(Condition(Field("tags", Tag.JUDGED), "has"), same))  # which few have, first
    return Wear(runs, candidates, more)


def _count(store: Store, where: Expression) -> tuple[int, bool]:
    counted = store.count(store.query(also=where, everywhere=True))
    if counted is not None:
        return counted, False
    found = len(store.find(also=where, everywhere=True, limit=_COUNTED + 1, columns=BARE))
    return min(found, _COUNTED), found > _COUNTED
