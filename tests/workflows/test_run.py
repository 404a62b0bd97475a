"""How the end of a program is told, and which packages it had."""

from __future__ import annotations

import pytest

from expctl.programs.output import Ended, Output
from expctl.tracking.runs.writer import Abandoned
from expctl.workflows.run import ProgramFailed, failure_of


@pytest.mark.parametrize(
    ("ended", "kind", "told"),
    [
        (Ended(0), type(None), "None"),
        (Ended(3), ProgramFailed, "the program ended with exit status 3: last"),
        (Ended(-11), Abandoned, "the program was killed by SIGSEGV: last"),
        (Ended(-99), Abandoned, "the program was killed by signal 99: last"),
        (Ended(-15, timed_out=True), Abandoned, "stopped after 60 s (--timeout)"),
        (Ended(None), Abandoned, "the program was lost: the process that watches it was killed"),
        (Ended(None, error="Permission denied"), ProgramFailed, "the program cannot be started: Permission denied"),
        (Ended(-2), KeyboardInterrupt, ""),
    ],
)
def test_why_a_program_did_not_end_well(ended, kind, told):
    output = Output()
    output.feed("stderr", b"first\nlast\n")
    failure = failure_of(ended, output, 60)
    assert (type(failure), str(failure)) == (kind, told)
