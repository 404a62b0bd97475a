"""What lies between two commits that runs recorded, where the repository is at hand: in the current folder.

A recorded commit is what somebody wrote into a tag: nothing but hexadecimal digits is passed to git, which only reads
objects here and runs nobody's programs (see `git`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from expctl.analysis.comparison import Distance
from expctl.tracking.runs.git import git

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SUBJECT_BYTES: Final = 1000  # most of a subject and its commit


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that only one of two runs has."""

    commit: str
    of: Literal["baseline", "challenger"]
    subject: str


def is_here(commit: str) -> bool:
    """Whether a commit is in the repository of the current folder."""
    return bool(_COMMIT.fullmatch(commit)) and git("cat-file", "-e", f"{commit}^{{commit}}") is not None


def distance(baseline: str, challenger: str) -> Distance | None:
    """How far two commits are apart; None where one of them is not here."""
    if not (_COMMIT.fullmatch(baseline) and _COMMIT.fullmatch(challenger)):
        return None
    count = git("rev-list", "--count", f"{baseline}...{challenger}", "--")
    files = git("diff-tree", "-r", "-z", "--name-only", baseline, challenger, "--") if count else None
    return None if count is None or files is None else Distance(int(count), files.count(b"\0"))


def commits(baseline: str, challenger: str, *, most: int) -> list[Commit]:
    """The newest commits, at most so many, that one of two which are here has and the other has not.

    By rev-list and not by log, which would have signatures checked by a program that the repository names.
    """
    told = git(
        *("rev-list", "--left-right", f"--max-count={most}", "--format=%m%H %s"),
        *(f"{baseline}...{challenger}", "--"),
        most=most * _SUBJECT_BYTES,
    )
    lines = (told or b"").decode("utf-8", "replace").split("\n")
    found = (re.fullmatch(r"([<>])([0-9a-f]+) (.*)", line) for line in lines)
    return [Commit(one[2], "baseline" if one[1] == "<" else "challenger", one[3]) for one in found if one is not None]


def diff(baseline: str, challenger: str, *, most: int) -> Sequence[str] | None:
    """The lines, of so many bytes at most, by which the files of two commits that are here differ.

    None where their contents are not: a partial clone has none of those that it has never checked out.
    """
    found = git("diff-tree", "-r", "-p", "-M", "--no-color", baseline, challenger, "--", most=most)
    return None if found is None else as_lines(found)


def as_lines(patch: bytes) -> list[str]:
    """The lines of a patch, as texts."""
    return patch.decode("utf-8", "replace").removesuffix("\n").split("\n") if patch else []
