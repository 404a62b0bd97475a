"""Temporary folders: gone after their block, and after a SIGKILL with the next command; never a living process's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from expctl import temporary
from expctl.temporary import remove_left_ones, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDER = """
import sys, time
from expctl.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "sub").mkdir()
    (folder / "sub" / "model.skops").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files of its own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    tempfile.tempdir = None


@pytest.fixture
def holder(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process within a block, with its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    assert Path(process.stdout.readline().strip()).parent == place
    yield process
    process.kill()
    process.communicate()


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_folder_is_there_for_nobody_else_and_gone_after_its_block(place):
    with temporary_folder() as folder:
        assert folder.parent == place
        assert folder.name.startswith("expctl-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
        assert remove_left_ones() == []
        assert (folder / "file").exists()
    assert names(place) == []
    with pytest.raises(RuntimeError), temporary_folder():
        raise RuntimeError
    assert names(place) == []


def test_that_of_a_living_process_stays_and_that_of_a_killed_one_goes(place, holder):
    assert remove_left_ones() == []
    (folder, lock) = names(place)
    assert lock == f"{folder}.lock"
    holder.send_signal(signal.SIGSTOP)  # alive all the same
    assert remove_left_ones() == []
    holder.kill()
    holder.wait()
    assert names(place) == [folder, lock]
    assert remove_left_ones() == [folder]
    assert names(place) == []


def test_a_process_that_ends_by_itself_leaves_nothing(place, holder):
    holder.communicate("")
    assert names(place) == []


def test_what_is_not_ours_or_of_another_form_is_left_alone(place, monkeypatch):
    kept = place / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    (place / "expctl-a").mkdir()  # without a lock: nobody knows whose
    (place / "expctl-b.lock").mkdir()
    (place / "expctl-c.lock").symlink_to(kept / "file")
    (place / "expctl-d.lock").write_text("")
    (place / "expctl-d").symlink_to(kept)
    (place / "other-e.lock").write_text("")
    (place / "other-e").mkdir()
    before = names(place)
    assert remove_left_ones() == []
    assert names(place) == before
    assert (kept / "file").exists()


def test_another_user_s_is_left_alone(place, monkeypatch):
    (place / "expctl-a.lock").write_text("")
    (place / "expctl-a").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert remove_left_ones() == []
    assert names(place) == ["expctl-a", "expctl-a.lock"]


def test_a_lock_that_was_taken_for_a_left_one_before_it_was_locked_is_made_anew(place, monkeypatch):
    lock, tries = temporary._lock, []

    def removed_first(held: int, *, wait: bool) -> None:
        tries.append(held)
        if len(tries) == 1:
            next(place.glob("*.lock")).unlink()
        lock(held, wait=wait)

    monkeypatch.setattr(temporary, "_lock", removed_first)
    with temporary_folder() as folder:
        assert names(place) == [folder.name, f"{folder.name}.lock"]
    assert len(tries) == 2
    assert names(place) == []


def test_predict_that_is_killed_leaves_a_folder_which_the_next_command_removes(cli, runs, place):
    code = (
        "import os, signal, sys\n"
        "from expctl.tracking.models import storage\n"
        "storage._load_from = lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.argv = ['expctl', 'predict', 'a film', '--run', 'strong']\n"
        "from expctl.cli.app import main\n"
        "main()\n"
    )

    def killed() -> None:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert len(names(place)) == 2

    killed()
    done = cli("list", "--format", "id")
    assert (done.exit_code, done.stderr) == (0, "")
    assert names(place) == []
    killed()
    checks = json.loads(cli("doctor", "--format", "json").stdout)
    assert "1 folder of killed commands removed" in json.dumps(checks)
    assert names(place) == []


def test_where_there_is_no_folder_for_temporary_files_commands_work(cli, runs, monkeypatch):
    monkeypatch.setattr(temporary, "tempfile", SimpleNamespace(gettempdir=lambda: "/nowhere"))
    assert cli("list", "--format", "id").exit_code == 0
    assert "temporary_files" in cli("doctor").stdout
