"""`compare --code`: what is between the commits of two runs, what neither had committed, and what cannot be shown."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from expctl.analysis.comparison import Distance
from expctl.errors import RunNotFound
from expctl.records import RunRecord
from expctl.workflows import compare_code as module
from expctl.workflows.compare_code import compare_code, distances


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Patches:
    """A store that has nothing but the recorded patches of runs, by their names."""

    patches: dict[str, bytes] = field(default_factory=dict)

    def read_artifact(self, run: RunRecord, path: str) -> bytes | None:
        assert path == "source.patch"
        return self.patches.get(run.name)


def run(name: str, commit: str | None) -> RunRecord:
    return RunRecord(name.ljust(32, "0"), name, "finished", "1", tags={"git_commit": commit} if commit else {})


@pytest.fixture
def made(tmp_path, monkeypatch) -> list[str]:
    """The commits, oldest first, of a repository that is the current folder: each changes one line of `a.py`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    git("init", "--quiet")
    git("config", "user.name", "Ada Lovelace")
    git("config", "user.email", "ada@example.org")
    found = []
    for i in range(5):
        Path("a.py").write_text(f"{i}\n")
        git("add", "a.py")
        git("commit", "--quiet", "-m", f"number {i}")
        found.append(git("rev-parse", "HEAD"))
    return found


def test_commits_and_files_between_are_told(made):
    found = compare_code(Patches(), [run("a", made[0]), run("b", made[2])])
    assert [(one.commit, one.of, one.subject) for one in found.commits] == [
        (made[2], "challenger", "number 2"), (made[1], "challenger", "number 1"),
    ]  # fmt: skip
    assert found.patches["diff"][-2:] == ["-0", "+2"]
    assert (list(found.patches), found.notes) == (["diff"], [])
    back = compare_code(Patches(), [run("b", made[2]), run("a", made[0])])
    assert {one.of for one in back.commits} == {"baseline"}


def test_recorded_changes_that_were_not_committed_are_told_where_they_differ(made):
    runs = [run("a", made[0]), run("b", made[0])]
    found = compare_code(Patches({"a": b"+mine\n"}), runs)
    assert (found.patches, found.commits, found.notes) == ({"uncommitted in baseline": ["+mine"]}, [], [])
    both = compare_code(Patches({"a": b"+mine\n", "b": b"+yours\n"}), runs)
    assert list(both.patches) == ["uncommitted in baseline", "uncommitted in challenger"]
    same = compare_code(Patches({"a": b"+mine\n", "b": b"+mine\n"}), runs)
    assert (same.patches, same.notes) == ({}, ["both have the same uncommitted changes"])


def test_what_is_long_is_cut_and_said_to_be(made, monkeypatch):
    monkeypatch.setattr(module, "_COMMITS", 2)
    monkeypatch.setattr(module, "_LINES", 3)
    found = compare_code(Patches({"a": b"1\n2\n3\n4\n"}), [run("a", made[0]), run("b", made[4])])
    assert (len(found.commits), [len(lines) for lines in found.patches.values()]) == (2, [3, 3])
    assert found.notes == [
        f"the newest 2 commits: git log {made[0][:8]}...{made[4][:8]} shows all",
        f"diff: the first 3 lines: git diff {made[0][:8]} {made[4][:8]} shows all",
        "uncommitted in baseline: the first 3 lines: source.patch of the run has all",
    ]
    monkeypatch.setattr(module, "_LINES", 500)
    monkeypatch.setattr(module, "_BYTES", 50)
    found = compare_code(Patches({"a": b"x" * 51}), [run("a", made[0]), run("b", made[1])])
    assert [sum(map(len, lines)) <= 50 for lines in found.patches.values()] == [True, True]
    assert len(found.notes) == 2


def test_the_same_code_and_none_at_all_are_said(made):
    assert compare_code(Patches(), [run("a", made[0]), run("b", made[0])]).notes == ["the code is the same"]
    assert compare_code(Patches(), [run("a", None), run("b", None)]).notes == ["the runs have no recorded code"]
    git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    empty = compare_code(Patches(), [run("a", made[4]), run("b", git("rev-parse", "HEAD"))])
    assert (empty.patches, empty.notes) == ({}, ["no file differs between the two commits"])


def test_a_commit_that_is_not_here_is_said_and_the_rest_shown(made):
    runs = [run("a", made[0]), run("b", "c0ffee" * 6)]
    with pytest.raises(RunNotFound, match=r"^commit c0ffeec0 of run b \(b0000000\) is not here$") as raised:
        compare_code(Patches(), runs)
    assert "git fetch" in str(raised.value.hint)
    found = compare_code(Patches({"b": b"+x\n"}), runs)
    assert found.patches == {"uncommitted in challenger": ["+x"]}
    assert found.notes == ["commit c0ffeec0 of run b (b0000000) is not here"]
    with pytest.raises(RunNotFound, match=r"run a \(a0000000\) has no recorded commit"):
        compare_code(Patches(), [run("a", None), run("b", made[0])])


def test_distances_are_those_from_the_first(made):
    runs = [run("a", made[0]), run("b", made[0]), run("c", made[3]), run("d", "--help"), run("e", None)]
    assert distances(runs) == [None, Distance(3, 1), None, None]
