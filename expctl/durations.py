"""Lengths of time as people write them: 90s, 30m, 2h, 2 days. No library that is installed anyway reads these alone.

(pandas does, in the half second that its import takes, and takes `1m` for a month in places.)
"""

from __future__ import annotations

import re
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_WORDS: Final = re.compile(r"(\d{1,9})\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_SHORT: Final = re.compile(r"(\d{1,6})([smhd])")


def duration(text: str, *, short: bool = False) -> int | None:
    """The seconds that `2d` or `2 days` says, None for anything else; `short` takes numbers with one letter alone."""
    match = (_SHORT if short else _WORDS).fullmatch(text.strip())
    return None if match is None else int(match[1]) * _SECONDS[match[2][0].lower()]
