"""Where a run comes from: what git and the machine say, nothing where they say nothing, and no secret."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from expctl.records import MACHINE, Tag
from expctl.tracking.runs import provenance
from expctl.tracking.runs.provenance import (
    Code,
    developer,
    login_name,
    machine_tags,
    packages,
    read_code,
    read_requirements,
    requirements,
)


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The current folder as a git repository, on branch `topic`, with one file committed."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "topic")
    git("config", "user.name", "Ada Lovelace")
    git("config", "user.email", "ada@example.org")
    Path("notes.txt").write_text("one\n")
    git("add", "notes.txt")
    git("commit", "--quiet", "-m", "notes")
    return tmp_path


def test_a_clean_tree_has_its_commit_and_branch_and_no_patch(repository):
    Path("untracked.txt").write_text("not of the code\n")
    assert read_code() == Code(git("rev-parse", "HEAD"), "topic", None, dirty=False, patch=None)


def test_the_folder_is_that_below_the_root(repository, monkeypatch):
    Path("a b/ü").mkdir(parents=True)
    monkeypatch.chdir(repository / "a b" / "ü")
    code = read_code()
    assert code is not None
    assert code.tags()[Tag.GIT_FOLDER] == "a b/ü"
    assert provenance.repository() == repository.resolve()
    monkeypatch.chdir(repository.parent)
    assert provenance.repository() is None


def test_a_changed_tree_is_dirty_and_its_patch_makes_it_again(repository):
    Path("notes.txt").write_text("one\ntwo\n")
    code = read_code()
    assert code is not None
    assert code.dirty is True
    git("checkout", "--quiet", "notes.txt")
    subprocess.run(["git", "apply"], input=code.patch, check=True)
    assert Path("notes.txt").read_text() == "one\ntwo\n"


def test_a_patch_that_is_too_large_is_left_out_and_the_tree_dirty_all_the_same(repository, monkeypatch):
    monkeypatch.setattr(provenance, "PATCH_LIMIT", 10)
    Path("notes.txt").write_text("one\ntwo\n")
    code = read_code()
    assert code is not None
    assert (code.dirty, code.patch) == (True, None)


def test_a_detached_head_has_no_branch_and_a_remote_no_password(repository):
    git("checkout", "--quiet", "--detach")
    git("remote", "add", "origin", "https://ada:s3cr3t@example.org/notes.git")
    code = read_code()
    assert code is not None
    assert (code.branch, code.remote) == (None, "https://***@example.org/notes.git")


def test_outside_of_a_repository_before_its_first_commit_and_without_git_there_is_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_code() is None
    git("init", "--quiet")
    assert read_code() is None
    monkeypatch.setenv("PATH", "")
    assert read_code() is None


def test_tags_of_the_code_are_those_that_are_known():
    assert Code("c0ffee", "main", None, False, None).tags() == {
        Tag.GIT_COMMIT: "c0ffee", Tag.GIT_BRANCH: "main", Tag.GIT_DIRTY: "false"
    }  # fmt: skip
    assert Tag.GIT_DIRTY not in Code("c0ffee", None, None, None, None).tags()


def test_who_trains_is_the_setting_else_gits_user_else_the_login(repository, monkeypatch):
    assert developer("Grace") == "Grace"
    assert developer("") == "Ada Lovelace"
    monkeypatch.setenv("PATH", "")
    assert developer("") == login_name()


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no name")])
def test_a_machine_that_knows_no_name_has_a_number(monkeypatch, error):
    def unknown() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", unknown)
    assert login_name().isdigit()


names = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,3}", fullmatch=True)  # as `packages` gives them
versions = st.from_regex(r"[0-9][0-9a-z.!+-]{0,20}", fullmatch=True)


@settings(max_examples=30)
@given(st.dictionaries(names, versions, max_size=5))
def test_requirements_are_read_as_they_were_written(found):
    assert read_requirements(requirements(found).encode()) == found


@pytest.mark.parametrize(
    "line",
    [
        "--index-url=http://x/==", "evil@file:///tmp/evil#==1", "-e .", "numpy>=1", "a==1; rm -rf /", "# a==1", "a==",
        "==1", "é==1", "a==1 --hash=x",
    ],
)  # fmt: skip
def test_no_line_but_a_pinned_package_means_anything(line):
    assert read_requirements(f"numpy==2.0\n{line}\n\xff".encode("latin-1")) == {"numpy": "2.0"}


def test_names_are_compared_as_pip_compares_them():
    """Runs recorded before had dots in them, and whoever writes a requirements file by hand has what he likes."""
    assert read_requirements(b"Jaraco.Classes==3.4\nscikit__learn==1.9") == {
        "jaraco-classes": "3.4",
        "scikit-learn": "1.9",
    }


def test_every_installed_package_has_one_normalised_name():
    found = packages()
    assert {"scikit-learn", "mlflow", "pytest"} <= set(found)
    assert list(found) == sorted(found)
    assert not [name for name in found if name != name.lower() or "_" in name]


def test_the_packages_are_those_that_a_reading_of_their_whole_metadata_gives(tmp_path, monkeypatch):
    """We read two lines of it."""
    texts = {
        "plain": "Metadata-Version: 2.1\nName: Plain_Name\nVersion: 1.0\n\nName: of another\nVersion: 9",
        "windows": "Metadata-Version: 2.1\r\nName: windows\r\nVersion: 2.0\r\n\r\nVersion: 9\r\n",
        "cases": "metadata-version: 2.1\nname: cases\nVERSION:3\nLicense: a\n        Version: 9\n",
        "nameless": "Metadata-Version: 2.1\nVersion: 4\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}-0.dist-info").mkdir()
        (tmp_path / f"{name}-0.dist-info" / "METADATA").write_bytes(text.encode())
    (tmp_path / "old-0.egg-info").mkdir()
    (tmp_path / "old-0.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 5\n")
    monkeypatch.syspath_prepend(tmp_path)
    whole: dict[str, str] = {}
    for one in metadata.distributions():
        if one.metadata.get("Name"):
            whole.setdefault(canonicalize_name(one.metadata["Name"]), one.version)
    (tmp_path / "empty-6.dist-info").mkdir()  # what a removal that was cut short leaves
    found = packages()
    assert found == {name: whole[name] for name in sorted(whole) if name not in provenance.OURS}
    assert {"plain-name": "1.0", "windows": "2.0", "cases": "3", "old": "5"}.items() <= found.items()


def test_the_machine_says_everything_on_which_the_last_bits_depend():
    found = machine_tags()
    assert set(found) == set(MACHINE)
    assert int(found["threads"]) >= 1
    assert all(found.values())


def test_no_run_pins_expctl_whose_name_is_somebody_elses_on_the_index():
    """`pip install -r requirements.txt` would else install a stranger's code."""
    assert provenance.OURS[0] in {one.metadata["Name"] for one in metadata.distributions()}
    found = provenance.packages()
    assert found["scikit-learn"] == metadata.version("scikit-learn")
    assert found.keys() & set(provenance.OURS) == set()
    assert not [line for line in provenance.requirements(found).splitlines() if line.startswith("expctl")]


def test_expctl_that_older_runs_pin_is_not_installed_by_isolated_commands():
    ours = "".join(f"{name}==0.1.0\n" for name in provenance.OURS)
    assert provenance.read_requirements(f"{ours}numpy==2.2.0\n".encode()) == {"numpy": "2.2.0"}
    assert provenance.read_requirements(b"expctl-plugin==1.0\n") == {"expctl-plugin": "1.0"}
