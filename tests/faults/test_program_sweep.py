"""A short form of `kill_programs.py`: a sweep of programs survives signals to it and to what it started (J05)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.kill_programs import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_sweep_of_programs_that_is_hit_goes_on_with_nothing_lost_and_nothing_twice(tmp_path: Path) -> None:
    report = run(tmp_path, [("program", "SIGKILL"), ("sweep", "SIGKILL")], seed=1)
    assert report.wrong == [], report.text()
