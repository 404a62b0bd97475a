"""The README says what is true: its session runs, by real processes, and its test command is the one that is used."""

from __future__ import annotations

import re
import shlex
import shutil

from tests.conftest import REVIEWS, ROOT
from tests.docs.pages import README, shape


def test_the_session_runs_and_prints_what_the_readme_shows(run_command, folder):
    (folder / "data").mkdir()
    shutil.copy(REVIEWS, folder / "data")
    session = README.session()
    assert len(session) == 6
    for command, shown in session:
        done = run_command(*shlex.split(command), fresh=True)
        assert done.exit_code == 0, done.stderr
        assert shape(done.stdout + done.stderr) == shape(shown), command


def test_the_continuous_integration_runs_the_readmes_own_test_command():
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"<!-- test command -->\n```sh\npython3 -m venv .*pytest -n 2 -m 'not slow'\n```", README.text)


def test_every_command_is_in_the_table():
    from expctl.cli.app import command_entries

    rows = re.findall(r"^\| `expctl ([\w-]+)[^`]*` \|", README.text, re.M)
    assert rows == [one.name for one in command_entries()]
