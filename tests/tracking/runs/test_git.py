"""Git is asked about a repository, and nothing is run that the repository names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from expctl.analysis.comparison import Distance
from expctl.tracking.runs import git as asking
from expctl.tracking.runs.code_history import commits, diff, distance, is_here
from expctl.tracking.runs.git import git as safe_git
from expctl.tracking.runs.provenance import developer, read_code

FILTERS = "filter.evil.clean filter.evil.smudge filter.evil.process filter.a=b.c.clean"
PROGRAMS = (
    "core.fsmonitor core.pager pager.diff pager.rev-list diff.external diff.evil.command diff.evil.textconv gpg.program"
    " core.sshCommand core.askPass core.editor core.alternateRefsCommand credential.helper"
)


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(subject: str, **files: str) -> None:
    for name, text in files.items():
        Path(f"{name}.py").write_text(text)
    git("add", "--all")
    git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", subject)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """The current folder, a repository of two commits."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "--quiet")
    Path(".gitattributes").write_text("a.py diff=evil filter=evil\nb.py filter=a=b.c\n")
    commit("base", a="1\n", b="1\n")
    commit("change", a="2\n")
    return folder


@pytest.fixture
def trap(repository) -> Path:
    """A file that appears once one of the programs is run which the repository names wherever git has a place."""
    sprung, program = repository.parent / "sprung", repository.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> "{sprung}"\ncat "$1" 2>/dev/null\n')
    program.chmod(0o755)
    for key in (*PROGRAMS.split(), *FILTERS.split()):
        git("config", key, str(program))
    git("config", "filter.evil.required", "true")
    git("config", "log.showSignature", "true")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    sprung.unlink(missing_ok=True)
    return sprung


def change() -> None:
    """Files whose times differ, so that git reads them through their filters."""
    for name in ("a.py", "b.py"):
        Path(name).write_text("3\n")
        os.utime(name, (1, 1))


def test_no_program_that_a_repository_names_is_run(trap):
    base, last = git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD")
    trap.unlink(missing_ok=True)
    assert is_here(base)
    assert distance(base, last) == Distance(1, 1)
    assert [one.subject for one in commits(base, last, most=5)] == ["change"]
    assert (diff(base, last, most=1000) or [])[-2:] == ["-1", "+2"]
    change()
    code = read_code()
    assert code is not None
    assert code.dirty is True
    assert b"+3" in (code.patch or b"")
    developer("")
    assert not trap.exists(), trap.read_text()


@pytest.mark.parametrize("words", ["diff HEAD~1 HEAD", "status", "diff HEAD"])
def test_the_trap_would_spring(trap, words):
    change()
    if words == "diff HEAD":  # of a filter alone
        for key in PROGRAMS.split():
            git("config", "--unset-all", key)
        trap.unlink(missing_ok=True)
    subprocess.run(["git", *words.split()], capture_output=True, check=False)
    assert trap.exists()


def test_filters_of_an_included_file_are_off_too(trap, repository):
    (repository.parent / "more").write_text(Path(".git/config").read_text())
    Path(".git/config").write_text(
        f"[core]\n\trepositoryformatversion = 0\n[include]\n\tpath = {repository.parent}/more\n"
    )
    change()
    assert safe_git("diff", "HEAD") is not None
    assert not trap.exists(), trap.read_text()


def test_a_filter_of_the_person_is_kept(repository, tmp_path, monkeypatch):
    """That of Git LFS is one: without it every file that it has would be a change."""
    own = tmp_path / "gitconfig"
    own.write_text('[filter "evil"]\n\tclean = sed s/3/2/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    Path("a.py").write_text("3\n")
    os.utime("a.py", (1, 1))
    assert safe_git("diff", "HEAD") == b""


def test_files_outside_of_the_repository_are_no_code(repository, tmp_path):
    """A configuration could name any folder as the working tree, and a patch would hold what is in its files."""
    Path("a.py").write_text("3\n")
    assert safe_git("diff", "HEAD")
    (tmp_path / "a.py").write_text("a key\n")
    git("config", "core.worktree", str(tmp_path))
    assert b"a key" in subprocess.run(["git", "diff", "HEAD"], capture_output=True, check=True).stdout
    assert safe_git("diff", "HEAD") is None
    code = read_code()
    assert code is not None
    assert (code.dirty, code.patch) == (None, None)


def test_a_working_tree_beside_the_repository_has_its_changes(repository, tmp_path, monkeypatch):
    git("worktree", "add", "--quiet", str(tmp_path / "beside"))
    monkeypatch.chdir(tmp_path / "beside")
    assert safe_git("diff", "HEAD") == b""
    Path("a.py").write_text("3\n")
    assert b"+3" in (safe_git("diff", "HEAD") or b"")


def test_programs_of_a_submodule_are_not_run(repository, trap, tmp_path, monkeypatch):
    inner = tmp_path / "inner"
    git("clone", "--quiet", str(repository), str(inner))
    for key in FILTERS.split():
        git("-C", str(inner), "config", key, str(tmp_path / "program"))
    outer = tmp_path / "outer"
    git("init", "--quiet", str(outer))
    monkeypatch.chdir(outer)
    (outer / "inner").symlink_to(inner)
    (outer / "inner").unlink()
    inner.rename(outer / "inner")
    commit("a repository within")
    Path("inner/a.py").write_text("3\n")
    os.utime("inner/a.py", (1, 1))
    trap.unlink(missing_ok=True)
    assert safe_git("diff", "HEAD") == b""
    assert not trap.exists(), trap.read_text()
    subprocess.run(["git", "diff", "HEAD"], capture_output=True, check=False)
    assert trap.exists()


def test_a_bare_repository_among_the_files_of_a_clone_is_none(repository, trap, tmp_path, monkeypatch):
    """It is found by standing in it, and a clone can bring it with its configuration."""
    git("clone", "--quiet", "--bare", str(repository), "data")
    monkeypatch.chdir("data")
    assert safe_git("rev-parse", "HEAD") is None


def test_a_git_of_the_current_folder_is_not_run(repository, monkeypatch):
    """Windows looks there first, and a PATH may say so."""
    Path("git").write_text("#!/bin/sh\ntouch sprung\n")
    Path("git").chmod(0o755)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    assert safe_git("rev-parse", "HEAD") is not None
    assert not Path("sprung").exists()


def test_without_git_nothing_is_said(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    assert safe_git("rev-parse", "HEAD") is None


def test_a_git_that_does_not_answer_is_ended(repository, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("slow")
    (folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(asking, "_PATIENCE", 0.2)
    assert not is_here("0" * 40)
