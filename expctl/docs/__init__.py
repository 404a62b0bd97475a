"""The topics of `expctl help`: Markdown files beside this one, which a repository's pages show too.

A topic opens with its heading and one sentence that says what it is about. To add one: a file, linked from the README
or from another topic. Knows nothing of how a topic is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.errors import UsageError, closest

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    """The topic of a name. Raises UsageError if there is none, naming the closest topic, or one of the `commands`."""
    from importlib.resources import files

    known = names()
    if name not in known:
        raise UsageError(f"no topic {name!r}{closest(name, [*commands, *known])}", hint="expctl help")
    return Topic(name, files(__name__).joinpath(f"{name}.md").read_text("utf-8"))
