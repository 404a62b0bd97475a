"""The stage of a run that is being recorded, as a tag: `list --watch` shows it in any terminal, over a server too.

A run has the first one from its creation, and what is written last says that there is none any more, so that only
stages between cost something: one call each, and none for those that follow each other fast.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from expctl.errors import StoreError
from expctl.records import Tag
from expctl.tracking import retries
from expctl.tracking.runs.items import TagValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.tracking.runs.writer import RunWriter

FIRST: Final = {Tag.STAGE: "fitting"}  # the tag of a run that begins
_PAUSE: Final = 2.0  # seconds after a stage that was written before another one is: nobody looks more often


class Stages:
    """Tells the stages of a run, and writes them unless they pass by fast, or the store failed: it is not worth more.

    `clock` gives seconds.
    """

    def __init__(
        self, writer: RunWriter, progress: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._writer = writer
        self._progress = progress
        self._clock = clock
        self._written = clock()
        self._failed = False

    def __call__(self, stage: str) -> None:
        """The stage that begins now."""
        self._progress(stage)
        now = self._clock()
        if self._failed or now - self._written < _PAUSE:
            return
        self._written = now
        try:
            with retries.limited_retries(retries=0):
                self._writer.write([TagValue(Tag.STAGE, stage)])
        except StoreError:
            self._failed = True
