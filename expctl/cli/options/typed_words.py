"""The words of a command line, typed or still to be completed, as shells hand them over.

bash breaks a word at `=`, `:` and `@`, and wants only what follows; zsh and fish hand words over as they are. Knows the
variables of the completion protocol; not what is offered.
"""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BREAKS: Final = re.compile(r"[=:@]+")


def mended(words: Sequence[str], current: int) -> tuple[list[str], int]:
    """Words as they were typed, from those that bash broke, and which of them the `current` one is part of."""
    found: list[str] = []
    place, joins = current, False
    for number, word in enumerate(words):
        is_break = _BREAKS.fullmatch(word) is not None
        if found and (is_break or joins):
            found[-1] += word
        else:
            found.append(word)
        joins = is_break
        if number == current:
            place = len(found) - 1
    return found, place if current < len(words) else len(found)


def typed_words() -> list[str]:
    """The words behind `expctl`, of a line that a shell completes without the one that is not complete yet."""
    asked = os.environ.get("_EXPCTL_COMPLETE", "")
    if not asked.startswith("complete_"):
        return sys.argv[1:]
    if asked == "complete_bash":
        return os.environ.get("COMP_WORDS", "").split("\n")[1 : int(os.environ.get("COMP_CWORD") or 1)]
    return os.environ.get("_TYPER_COMPLETE_ARGS", "").split(" ")[1:-1]


@contextmanager
def whole_words() -> Iterator[None]:
    """If bash asks for completions: words are whole within, and of what is printed there only the last part of each."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    if os.environ.get("_EXPCTL_COMPLETE") != "complete_bash" or not any(map(_BREAKS.fullmatch, words)):
        yield
        return
    found, place = mended(words, int(os.environ["COMP_CWORD"]))
    os.environ.update(COMP_WORDS="\n".join(found), COMP_CWORD=str(place))
    word = found[place] if place < len(found) else ""
    done = len(word) - len(_BREAKS.split(word)[-1])
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    finally:
        lines = printed.getvalue().splitlines()
        sys.stdout.write("".join(line.removeprefix(word[:done]) + "\n" for line in lines))
