"""The topic `guild`: its script and each of its commands, typed as they stand there."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.docs.pages import topic


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures", "folder")
def test_the_commands_for_users_of_guild_do_what_their_page_says(cli, monkeypatch):
    (script,) = topic("guild").blocks("python")
    Path("train.py").write_text(script)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    lines = [line for block in topic("guild").blocks("sh") for line in block.splitlines()]
    assert len(lines) > 15
    said = {}
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "expctl", line
        said[line] = done = cli(*words[1:])
        assert (done.exit_code, bool(done.stdout)) == (0, True), (line, done.stderr)
    assert said["expctl get latest output.log"].stdout.startswith("loss: ")
    assert "noise" in said["expctl list --flat --columns name,x,noise,loss"].stdout
    resumed = said["expctl sweep --resume tuned --trials 6"]
    assert ("trials: 6" in resumed.stdout, "4 trials had been finished before" in resumed.stderr) == (True, True)
    assert "not tested: " in said["expctl compare latest~1 latest"].stderr
    kept = json.loads(cli("show", "good", "-f", "json").stdout)
    assert kept["metrics"]["loss"]["value"] < 0
    assert list(kept["parameters"]) == ["x"]  # of the script's defaults nothing is recorded, as the page says
    assert Path("good.zip").exists()
