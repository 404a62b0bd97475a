"""`compare --code`: the commits between two runs, how their files differ, and what neither had committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.tracking.runs import code_history
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.analysis.comparison import Distance
    from expctl.records import RunRecord
    from expctl.tracking.runs.code_history import Commit
    from expctl.tracking.store import Store

_COMMITS: Final = 50
_LINES: Final = 500  # of each patch
_BYTES: Final = 2**18  # of each patch


@dataclass(frozen=True, slots=True)
class ComparedCode:
    """The code of two runs: commits that only one has, and patches: `diff`, `uncommitted in baseline` and the other.

    `notes` tell what is not shown, and why.
    """

    runs: Sequence[RunRecord]
    commits: Sequence[Commit]
    patches: Mapping[str, Sequence[str]]
    notes: Sequence[str]


def distances(runs: Sequence[RunRecord]) -> list[Distance | None]:
    """How far the code of each run is from that of the first, where both commits are here and not the same."""
    first, *others = (run.tags.get(Tag.GIT_COMMIT, "") for run in runs)
    return [None if one == first else code_history.distance(first, one) for one in others]


def compare_code(store: Store, runs: Sequence[RunRecord]) -> ComparedCode:
    """The code of two runs, as far as it is recorded and the repository is here.

    Raises RunNotFound where neither a commit nor a patch of either can be shown.
    """
    notes: list[str] = []
    commits: list[Commit] = []
    patches: dict[str, Sequence[str]] = {}
    baseline, challenger = (run.tags.get(Tag.GIT_COMMIT) for run in runs)
    lost = [told for run in runs if (told := _lost(run)) is not None]
    if baseline and challenger and baseline != challenger and not lost:
        commits = code_history.commits(baseline, challenger, most=_COMMITS + 1)
        if len(commits) > _COMMITS:
            commits = commits[:_COMMITS]
            notes.append(f"the newest {_COMMITS} commits: git log {baseline[:8]}...{challenger[:8]} shows all")
        lines = code_history.diff(baseline, challenger, most=_BYTES)
        whole = f"git diff {baseline[:8]} {challenger[:8]} shows all"
        _add(patches, notes, "diff", lines or (), whole)
        if not lines:
            notes.append("the files are not all here" if lines is None else "no file differs between the two commits")
    uncommitted = [store.read_artifact(run, "source.patch") or b"" for run in runs]
    if uncommitted[0] and uncommitted[0] == uncommitted[1]:
        notes.append("both have the same uncommitted changes")
    else:
        for which, patch in zip(("baseline", "challenger"), uncommitted, strict=True):
            lines = code_history.as_lines(patch[:_BYTES])
            _add(patches, notes, f"uncommitted in {which}", lines, "source.patch of the run has all")
    if lost and baseline != challenger:
        if not patches:
            raise RunNotFound(lost[0], hint="git fetch in the repository that the runs were made from")
        notes += lost
    elif not (commits or patches or notes):
        notes.append("the code is the same" if baseline else "the runs have no recorded code")
    return ComparedCode(runs, commits, patches, notes)


def _lost(run: RunRecord) -> str | None:
    """Why the commit of a run cannot be shown."""
    commit = run.tags.get(Tag.GIT_COMMIT)
    if not commit:
        return f"run {run.described} has no recorded commit"
    return None if code_history.is_here(commit) else f"commit {commit[:8]} of run {run.described} is not here"


def _add(patches: dict[str, Sequence[str]], notes: list[str], title: str, lines: Sequence[str], whole: str) -> None:
    """Add a patch, as much of it as is shown, with a note where there is more, and where the `whole` is."""
    if lines:
        patches[title] = lines[:_LINES]
    if len(lines) > _LINES or sum(len(line.encode()) + 1 for line in lines) >= _BYTES:
        notes.append(f"{title}: the first {plural(len(patches[title]), 'line')}: {whole}")
