"""Every command on a server of an MLflow before 3, the real one, in an environment of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.tracking.old_servers import STEPS, VERSIONS, NotInstalled, failures, serving_old
from tests.tracking.recorded import ROOT

OLD = "2.9.2" if sys.version_info < (3, 12) else "2.22.0"  # 2.9 starts on no later Python than 3.11
ENVIRONMENTS = os.environ.get("EXPCTL_OLD_SERVERS")  # the folder of `tests.tracking.old_servers`


def test_the_topic_has_every_command_on_every_server_that_is_tried():
    lines = (ROOT / "expctl/docs/servers.md").read_text().splitlines()
    first = lines.index(f"| command | {' | '.join(VERSIONS)} |")
    commands = list(dict.fromkeys(step[0] for step in STEPS))
    rows = [line.strip("| ").split(" | ") for line in lines[first + 2 : first + 2 + len(commands)]]
    assert [row[0] for row in rows] == [f"`{name}`" for name in commands]
    assert all(row[1:] == ["works"] * len(VERSIONS) for row in rows)
    assert lines[first + 2 + len(commands)] == ""


@pytest.mark.slow
@pytest.mark.skipif(not ENVIRONMENTS, reason="installs an older MLflow: EXPCTL_OLD_SERVERS names a folder for it")
def test_every_command_works_on_a_server_of_mlflow_2(cli, small, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("server")
    try:
        with serving_old(OLD, Path(ENVIRONMENTS or ""), folder) as address:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

            def run(step: tuple[str, ...]) -> tuple[int, str]:
                done = cli(*step)
                return done.exit_code, done.stderr

            assert failures(run) == {}
            assert "no: the model is among the files" in cli("doctor").stdout
    except NotInstalled as reason:
        pytest.skip(f"MLflow {OLD} cannot be installed here: {reason}")
