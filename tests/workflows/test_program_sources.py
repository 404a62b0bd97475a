"""What is told of the packages and data of a program."""

from __future__ import annotations

import os
import stat
import sys
import venv

from expctl.workflows.program_sources import requirements_of


def test_the_packages_are_those_of_the_python_that_runs_the_program(tmp_path):
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    mine = requirements_of(sys.executable, path)
    assert mine is not None
    assert "mlflow==" in mine
    assert requirements_of("sh", path) is None
    assert requirements_of("no such program", path) is None
    venv.create(tmp_path / "other", symlinks=True)
    assert requirements_of(str(tmp_path / "other" / "bin" / "python"), path) == ""
    script = tmp_path / "script"
    script.write_text(f"#!{tmp_path}/other/bin/python -u\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    assert requirements_of("script", path) == ""
