"""The topics of `expctl help`: Markdown files beside this one, which a repository's pages show too.

A topic opens with its heading and one sentence that says what it is about. To add one: a file, linked from the README
or from another topic. Knows nothing of how a topic is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.errors import UsageError, closest

if TYPE_CHECKING:
    from collections.abc import Sequence


_ALIKE: Final = 0.75  # of a word's letters: `filers` is `filters`, and `margin` is not `training`
_SPEAKING: Final = 3  # topics that are named
_STEM: Final = 5  # letters by which a word is known, without its ending


@dataclass(frozen=True, slots=True)
class Topic:
    """A page of the documentation. `text` is its Markdown, heading included."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """The heading, without its mark."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        """The first paragraph as one line of plain text: what the topic is about."""
        return " ".join(self.text.split("\n\n")[1].replace("`", "").split())


def names() -> list[str]:
    """The names of all topics, in alphabetical order."""
    from importlib.resources import files

    return sorted(file.name.removesuffix(".md") for file in files(__name__).iterdir() if file.name.endswith(".md"))


def topics() -> list[Topic]:
    """Every topic, by name."""
    return [read(name) for name in names()]


def read(name: str, *, commands: Sequence[str] = ()) -> Topic:
    """The topic of a name.

    Raises UsageError if there is none, naming the topic or one of the `commands` that is written much like it, else the
    topics that speak most of it.
    """
    from importlib.resources import files

    known = names()
    if name not in known:
        offered = [*commands, *known]
        spelled = closest(name, offered, cutoff=_ALIKE)
        told = [] if spelled else _speaking_of(name)
        if not told:
            spelled = closest(name, offered)
        hint = " or ".join(f"expctl help {one}" for one in told) or "expctl help"
        raise UsageError(f"no topic {name!r}{spelled}", hint=hint)
    return Topic(name, files(__name__).joinpath(f"{name}.md").read_text("utf-8"))


def _speaking_of(word: str) -> list[str]:
    """The topics that have a word, those whose first sentence has it, then those with it most often; else those with
    words that begin like it.
    """
    patterns = [re.escape(word) + r"\b", *(re.escape(word[:end]) for end in range(len(word), _STEM - 1, -1))]
    for pattern in patterns if word else ():
        found = re.compile(r"\b" + pattern.replace(r"\-", "[- ]"), re.IGNORECASE)
        counts = [(found.search(one.summary) is None, -len(found.findall(one.text)), one.name) for one in topics()]
        if speaking := sorted(one for one in counts if one[1]):
            return [name for *_, name in speaking[:_SPEAKING]]
    return []
