"""What a check of `doctor` found. Knows nothing of how it is found, nor of how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "failed", "fixed"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found and, unless all is well, what to type next. No status: nothing to judge.

    What `failed` keeps one from working. `run_id` is the orphan it is about. `whole` is what was found with all paths,
    where `found` does without, to fit on a line.
    """

    section: str
    name: str
    found: str | int
    status: Status | None = None
    next: str | None = None
    run_id: str | None = None
    whole: str | None = None
