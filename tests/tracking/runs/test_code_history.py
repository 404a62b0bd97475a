"""What lies between two commits: told where both are here, and no program of the repository is run for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from expctl.analysis.comparison import Distance
from expctl.tracking.runs.code_history import Commit, as_lines, commits, diff, distance, is_here


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(subject: str, **files: str) -> str:
    """Commit these files, by their names without the ending .py, and give the commit."""
    for name, text in files.items():
        Path(f"{name}.py").write_text(text)
        git("add", f"{name}.py")
    git("commit", "--quiet", "--allow-empty", "-m", subject)
    return git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The current folder as a git repository on its branch `main`, without a commit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "Ada Lovelace")
    git("config", "user.email", "ada@example.org")
    return tmp_path


@pytest.fixture
def forked(repository):
    """Two commits that have parted: `mine` has one of its own, `yours` two."""
    base = commit("base", a="1\n", b="1\n")
    mine = commit("mine", a="2\n")
    git("checkout", "--quiet", base)
    commit("yours: first", b="2\n")
    return {"base": base, "mine": mine, "yours": commit("yours: second", c="3\n")}


def test_a_distance_counts_the_commits_of_either_side_and_the_files_that_differ(forked):
    base, mine, yours = forked.values()
    assert distance(base, mine) == Distance(1, 1)
    assert distance(mine, yours) == distance(yours, mine) == Distance(3, 3)
    assert distance(mine, mine) == Distance(0, 0)
    assert distance(base[:7], mine[:10]) == Distance(1, 1)


def test_commits_are_told_with_the_side_that_has_them(forked):
    found = commits(forked["mine"], forked["yours"], most=10)
    assert {(one.of, one.subject) for one in found} == {
        ("baseline", "mine"), ("challenger", "yours: first"), ("challenger", "yours: second"),
    }  # fmt: skip
    assert Commit(forked["mine"], "baseline", "mine") in found
    assert len(commits(forked["mine"], forked["yours"], most=2)) == 2


def test_a_diff_is_that_of_git_and_ends_where_it_is_told_to(forked):
    lines = diff(forked["base"], forked["mine"], most=10_000)
    assert lines is not None
    assert lines[0] == "diff --git a/a.py b/a.py"
    assert lines[-2:] == ["-1", "+2"]
    assert diff(forked["base"], forked["mine"], most=9) == ["diff --gi"]
    assert diff(forked["mine"], forked["mine"], most=100) == []


@pytest.mark.parametrize("wrong", ["0" * 40, "", "HEAD", "main", "--help", "-1", "0" * 6, "A" * 40, "..", "é" * 7])
def test_what_is_no_commit_of_the_repository_is_not_here(forked, wrong):
    assert not is_here(wrong)
    assert is_here(forked["mine"])
    assert distance(wrong, forked["mine"]) is None
    assert distance(forked["mine"], wrong) is None


def test_a_tree_or_a_blob_is_no_commit(forked):
    assert not is_here(git("rev-parse", "HEAD^{tree}"))
    assert not is_here(git("rev-parse", "HEAD:a.py"))


def test_outside_of_a_repository_and_without_git_nothing_is_here(forked, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    assert (is_here(forked["mine"]), distance(forked["mine"], forked["yours"])) == (False, None)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert (is_here(forked["mine"]), distance(forked["mine"], forked["yours"])) == (False, None)


def test_lines_of_bytes_that_are_no_text_are_lines():
    assert as_lines(b"") == []
    assert as_lines(b"one\n\xff\n") == ["one", "\ufffd"]
    assert as_lines(b"\n \n") == ["", " "]


def test_what_a_partial_clone_lacks_is_not_fetched(forked, tmp_path_factory, monkeypatch):
    """A fetch would run a program that the repository names, and go wherever it says."""
    git("config", "uploadpack.allowFilter", "true")
    git("branch", "--force", "main", forked["mine"])
    source, folder = Path.cwd(), tmp_path_factory.mktemp("partial")
    clone = folder / "clone"
    git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{source}", str(clone))
    sprung = folder / "sprung"
    monkeypatch.chdir(clone)
    git("config", "remote.origin.uploadpack", f"touch {sprung}; git-upload-pack")
    git("config", "protocol.file.allow", "always")
    assert distance(forked["base"], forked["mine"]) == Distance(1, 1)  # which takes no content
    assert diff(forked["base"], forked["mine"], most=1000) is None
    assert not sprung.exists()
    subprocess.run(["git", "diff", forked["base"], forked["mine"]], capture_output=True, check=False)
    assert sprung.exists()
