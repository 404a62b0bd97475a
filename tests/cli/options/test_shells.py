"""Completion in bash and fish as they are, where they are installed: by the scripts that --show-completion prints.

zsh completes on a terminal only; what it is told is tried in test_completion.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.warm import script

_BASH = """
source ./script
COMP_WORDS=({words}); COMP_CWORD={place}
_expctl_completion expctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def shell(runs, tmp_path):
    """Runs a script of a shell in the folder of `runs`, where `expctl` is a command; it gives the lines."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "expctl"
    command.write_text(f'#!/bin/sh\nexec {script()} "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def run(name: str, script: str) -> list[str]:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        show = ["expctl", "--show-completion", name]
        printed = subprocess.run(
            show, env={**env, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, stdout=-1, check=True
        )
        Path("script").write_bytes(printed.stdout)
        done = subprocess.run([name, "-c", script], env=env, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        ("expctl train --model log", 3, ["logreg"]),
        ("expctl train -p sol", 3, None),
        ("expctl train -p solver = li", 5, ["liblinear"]),
        ("expctl train --data small.csv --text-column te", 5, ["text"]),
        ("expctl show st", 2, ["strong"]),
        ("expctl get strong model/ML", 3, ["model/MLmodel"]),
    ],
)
def test_bash_completes(shell, words, place, expected):
    found = shell("bash", _BASH.format(words=words, place=place))
    assert found == expected if expected else {"solver=", "solver=saga"} <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("expctl train --model log", "logreg"),
        ("expctl train -p solver=li", "solver=liblinear"),
        ("expctl train --data small.csv --text-column te", "text"),
        ("expctl get strong model/ML", "model/MLmodel"),
    ],
)
def test_fish_completes(shell, line, expected):
    assert shell("fish", f"source ./script; complete -C '{line}'") == [expected]
