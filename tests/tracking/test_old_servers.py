"""Every command on a server of an MLflow before 3, the real one, in an environment of its own."""

from __future__ import annotations

import sys

import pytest

from tests.tracking.old_servers import NotInstalled, failures, serving_old

OLD = "2.9.2" if sys.version_info < (3, 12) else "2.22.0"  # 2.9 starts on no later Python than 3.11


@pytest.mark.slow
def test_every_command_works_on_a_server_of_mlflow_2(cli, small, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("server")
    try:
        with serving_old(OLD, tmp_path_factory.mktemp("environments"), folder) as address:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

            def run(step: tuple[str, ...]) -> tuple[int, str]:
                done = cli(*step)
                return done.exit_code, done.stderr

            assert failures(run) == {}
            assert "no: the model is among the files" in cli("doctor").stdout
    except NotInstalled as reason:
        pytest.skip(f"MLflow {OLD} cannot be installed here: {reason}")
