"""The guard, killed or left alone at any moment: what it guards ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from tests.programs.test_process import left

CODE = """
import os, sys
from expctl.programs.output import Output
from expctl.programs.process import MARK, Program
with Program(["sh", "-c", "setsid sleep 600 & touch up; sleep 600"], Output(), dict(os.environ)) as program:
    program.wait()
"""


def test_it_ends_the_program_where_our_command_is_killed(tmp_path):
    mark = os.urandom(8).hex()
    ours = subprocess.Popen(
        [sys.executable, "-c", CODE], env={**os.environ, "EXPCTL_RUN_ID": mark}, cwd=tmp_path, start_new_session=True
    )
    while not (tmp_path / "up").exists():
        time.sleep(0.02)
    guarded = psutil.Process(ours.pid).children(recursive=True)
    assert len(guarded) >= 3
    ours.kill()
    ours.wait()
    psutil.wait_procs(guarded, timeout=60)
    assert left(mark) == []


def test_it_imports_no_more_than_an_interpreter_needs():
    from expctl.programs import guard

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", guard.__file__, "-1", "1", "0", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert not loaded & {"typing", "subprocess", "expctl"}  # ctypes of 3.14 imports threading
