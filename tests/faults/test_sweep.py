"""A short form of `kill_sweep.py`: a sweep survives SIGKILL, Ctrl-C and SIGTERM (A01-A04 in README.md)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.kill_sweep import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_sweep_that_is_killed_and_stopped_goes_on_with_nothing_lost_and_nothing_twice(tmp_path: Path) -> None:
    report = run(tmp_path, kills=1, signals=1, seed=1)
    assert report.wrong == [], report.text()
