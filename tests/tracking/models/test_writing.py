"""Models into a server that lacks what MLflow 3 has for them: a proxy before a real one refuses the calls."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.faults.proxy import Fault, before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Cli = Callable[..., Any]

PAGE: Final = "<!doctype html>\n<title>Not Found</title>"
# What came to MLflow with 3.0, 2.4 and 2.3.
NEW: Final = ("logged-models", "runs/outputs", "runs/log-inputs", "registered-models/alias")
# What the commands below ask MLflow 2.0 for. A call that is new here is tried on a real server of it first, which
# `python -m tests.tracking.old_servers` does; what it has not is one of NEW.
OLD: Final = {
    *("POST experiments/create", "POST experiments/search"),
    *("POST runs/create", "POST runs/log-batch", "POST runs/update", "POST runs/search", "GET runs/get"),
    *("POST registered-models/create", "GET registered-models/get"),
    *("POST model-versions/create", "GET model-versions/get", "GET model-versions/search"),
    *("POST model-versions/set-tag", "DELETE model-versions/delete-tag"),
}


def lacking(calls: Sequence[str], status: int = 404) -> list[Fault]:
    return [Fault(call, status, body=PAGE) for call in calls]


def trained(cli: Cli, *words: str) -> str:
    done = cli("train", "--data", "small.csv", "--format", "id", *words)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def shown(cli: Cli, run: str, *words: str) -> Any:
    return json.loads(cli("show", run, "--format", "json", *words).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("status", [405, 501])
def test_a_call_that_a_server_lacks_may_have_another_code_than_404(cli, small, server, status):
    with before(server, *lacking(NEW, status)) as proxy:
        there = ("--tracking-uri", proxy.uri, "-e", f"old-{status}")
        run = trained(cli, *there)
        assert cli("predict", "--run", run, "a fine film", *there).exit_code == 0
        assert cli("promote", run, f"old-{status}", *there).exit_code == 0


@pytest.mark.slow
def test_a_server_before_mlflow_3_is_written_to_like_any(cli, small, server):
    name = "old"
    with before(server, *lacking(NEW)) as proxy:
        there = ("--tracking-uri", proxy.uri, "-e", name)
        first, second = trained(cli, *there), trained(cli, *there, "--c", "0.01")
        assert proxy.count("POST /api/2.0/mlflow/logged-models") == 2  # each process is told once, and this is two
        assert proxy.count("log-inputs") == 2
        told = cli("show", first, *there).stdout
        assert "model/MLmodel" in told
        assert cli("predict", "--run", first, "a fine film", *there).exit_code == 0

        for run, version in ((first, 1), (second, 2)):
            done = cli("promote", run, name, *there)
            assert done.exit_code == 0, done.stderr
            assert f"{version}  champion" in cli("promote", "--list", name, *there).stdout
        assert cli("show", f"{name}@champion", "--format", "id", *there).stdout.strip() == second
        assert cli("promote", f"models:/{name}/1", name, *there).exit_code == 0
        assert cli("show", f"{name}@champion", "--format", "id", *there).stdout.strip() == first
        assert cli("promote", "--remove", f"{name}@champion", *there).exit_code == 0
        assert cli("show", f"{name}@champion", *there).exit_code == 3

        assert cli("export", first, "-o", "old.zip", *there).exit_code == 0
        asked = {re.sub(r" /api/2.0/mlflow/|[?].*", " ", call).strip() for call in proxy.calls}
        assert {call for call in asked if not re.search("|".join(NEW), call) and "mlflow-artifacts/" not in call} == OLD
    assert cli("import", "old.zip", "--tracking-uri", "sqlite:///new.db").exit_code == 0
    answers = [
        cli("predict", "--run", "latest", "a fine film", "--tracking-uri", "sqlite:///new.db", "-e", name).stdout,
        cli("predict", "--run", first, "a fine film", "--tracking-uri", server, "-e", name).stdout,
    ]
    assert answers[0] == answers[1] != ""


@pytest.mark.slow
def test_a_run_of_an_archive_comes_to_an_old_server_whole(cli, small, server):
    run = trained(cli)
    assert cli("export", run, "-o", "new.zip").exit_code == 0
    with before(server, *lacking(NEW)) as proxy:
        there = ("--tracking-uri", proxy.uri, "-e", "imported")
        assert cli("import", "new.zip", *there).exit_code == 0
        (made,) = cli("list", "--format", "id", *there).stdout.split()
        assert (
            cli("predict", "--run", made, "a fine film", *there).stdout
            == cli("predict", "--run", run, "a fine film").stdout
        )
        assert shown(cli, made, *there)["metrics"] == shown(cli, run)["metrics"]


@pytest.mark.parametrize(
    "call",
    [
        "POST /api/2.0/mlflow/logged-models",
        "runs/outputs",
        "PATCH /api/2.0/mlflow/logged-models",
        "GET /api/2.0/mlflow/logged-models",
        "logged-models/search",
    ],
)
def test_a_server_that_lacks_one_call_for_models_has_them_all_the_same(cli, small, server, call):
    with before(server, *lacking([call])) as proxy:
        there = ("--tracking-uri", proxy.uri, "-e", f"without {call.rpartition('/')[2]}")
        run = trained(cli, *there)
        assert cli("show", run, *there).exit_code == 0
        done = cli("predict", "--run", run, "a fine film", *there)
        assert (done.exit_code, "positive" in done.stdout or "negative" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("call", ["runs/log-batch", "runs/create"])
def test_a_server_that_lacks_what_nothing_stands_in_for_is_told_before_the_fitting(cli, small, server, call):
    with before(server, *lacking([call], 501)) as proxy:
        done = cli("train", "--data", "small.csv", "--tracking-uri", proxy.uri, "-e", "lacking")
        assert done.exit_code == 4
        last = done.stderr.splitlines()[-1]
        assert call in last
        assert "html" not in last
        assert "expctl help servers" in last
        assert proxy.count("mlflow-artifacts") == 0
