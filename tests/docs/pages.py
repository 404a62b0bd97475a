"""What people read: the README and the topics of `expctl help`, with their commands, links and tables."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import expctl.docs
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# `expctl` where a command may begin, and its words up to a pipe, a redirection or a comment
_COMMAND = re.compile(r"(?:^|[|;&(]\s*|xargs\s+|/)expctl ((?:'[^']*'|\"[^\"]*\"|[^|;&)#'\"<>])*)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    def blocks(self, language: str) -> list[str]:
        """The contents of its code blocks in a language."""
        return [content for known, content in _BLOCK.findall(self.text) if known == language]

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _BLOCK.sub("", self.text)

    def session(self) -> list[tuple[str, str]]:
        """The commands of its console blocks, each with what it prints."""
        found = []
        for block in self.blocks("console"):
            assert block.startswith("$ expctl "), block
            found += re.findall(r"^\$ expctl (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        return found

    def command_lines(self) -> Iterator[list[str]]:
        """The words behind `expctl` in every command line: of code blocks, and of code within the prose."""
        for block in (*self.blocks("sh"), *self.blocks("console"), *self.blocks("yaml")):
            for line in block.replace("\\\n", " ").splitlines():
                for found in _COMMAND.finditer(line):
                    yield shlex.split(found[1])
        for found in re.finditer(r"`expctl ([^`]*)`", self.prose):
            yield shlex.split(found[1].replace("\\|", "|"))

    def links(self) -> list[tuple[Path | str, str]]:
        """Its links as (file or address, anchor)."""
        links = []
        for target in re.findall(r"\]\(([^)\s]+)\)", self.prose):
            path, _, anchor = target.partition("#")
            if "://" in target:
                links.append((target, ""))
            else:
                links.append(((self.path.parent / path).resolve() if path else self.path, anchor))
        return links

    @property
    def anchors(self) -> set[str]:
        """What a link may name on this page, as repositories' pages make it from headings."""
        headings = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


README = Page(ROOT / "README.md")
TOPICS = [Page(Path(expctl.docs.__file__).with_name(f"{name}.md")) for name in expctl.docs.names()]


def topic(name: str) -> Page:
    """The page of a topic."""
    return next(page for page in TOPICS if page.name == name)


def shape(text: str) -> str:
    """A text without what differs from run to run: ids, ages, numbers with their signs, column widths."""
    text = re.sub(r"\bjust now\b|\b\d+ (s|min|h) ago\b", "AGE", text)
    text = re.sub(r"\b[0-9a-f]{8,32}\b", "ID", text)
    return re.sub(r"[ ]+", " ", re.sub(r"[+-]?\d+(\.\d+)?(e-\d+)?", "N", text))
