"""The stage of a run while it is recorded: who sees it, and what it costs."""

from __future__ import annotations

import json

import pytest

from expctl.errors import StoreError
from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.runs import stages
from expctl.tracking.runs.stages import FIRST, Stages
from expctl.tracking.runs.writer import recording
from expctl.tracking.store import open_store
from expctl.workflows.list_runs import ListRequest, list_runs
from tests.faults.proxy import before
from tests.tracking.recorded import store_of


def watched(cli) -> list[tuple[str, str | None]]:
    rows = json.loads(cli("list", "--format", "json").stdout)["rows"]
    return [(row["status"], row.get("stage")) for row in rows]


@pytest.mark.every_store
def test_others_see_the_stage_of_a_run_as_long_as_it_runs(cli, folder):
    seconds, told = [0.0], []
    with recording(store_of(folder), "one", FIRST) as writer:
        stage = Stages(writer, told.append, clock=lambda: seconds[0])
        assert watched(cli) == [("running", "fitting")]
        stage("fold 2 of 5")  # at once: nobody could have read the first
        assert watched(cli) == [("running", "fitting")]
        seconds[0] = 2.5
        stage("fold 3 of 5")
        assert watched(cli) == [("running", "fold 3 of 5")]
        assert json.loads(cli("show", "one", "--format", "json").stdout)["run"]["stage"] == "fold 3 of 5"
    assert told == ["fold 2 of 5", "fold 3 of 5"]
    assert watched(cli) == [("finished", None)]


def test_a_training_has_a_stage_from_its_beginning_and_none_at_its_end(cli, small, monkeypatch):
    seen = []
    monkeypatch.setattr(stages, "_PAUSE", -1.0)  # none is passed over
    monkeypatch.setattr(
        stages.Stages, "__call__",
        lambda self, stage, told=stages.Stages.__call__: (told(self, stage), seen.append(tag())),
    )  # fmt: skip

    def tag() -> str:
        return store_of(small.parent).find()[0].tags[Tag.STAGE]

    assert cli("train", "--data", "small.csv", "--cv", "2").exit_code == 0
    assert seen == [
        "fold 1 of 2", "fold 2 of 2", "fitting logreg on 160 rows", "evaluating on 40 rows", "recording",
    ]  # fmt: skip
    assert tag() == "finished"


def test_a_store_that_fails_keeps_nobody_from_going_on_and_is_not_asked_again(folder, monkeypatch):
    calls = []
    with recording(store_of(folder), "one", FIRST) as writer:

        def fails(items):
            calls.append(list(items))
            raise StoreError("it is away")

        with monkeypatch.context() as patched:
            patched.setattr(writer, "write", fails)
            stage = Stages(writer, lambda text: None, clock=iter(range(0, 100, 10)).__next__)
            stage("evaluating")
            stage("recording")
    assert len(calls) == 1


@pytest.mark.slow
def test_a_refresh_of_a_watched_list_takes_one_request(cli, folder, server, request):
    with before(server) as proxy:
        settings = Settings(tracking_uri=proxy.uri, experiment=request.node.name)
        store = open_store(settings, create=True)
        with recording(store, "busy", FIRST), recording(store, "other", FIRST):
            watching = open_store(settings)
            counts = []
            for _ in range(3):
                proxy.calls.clear()
                found = list_runs(watching, ListRequest())
                counts.append([call.split("?")[0].partition("/mlflow/")[2] for call in proxy.calls])
    assert [run.tags[Tag.STAGE] for run in found.runs] == ["fitting", "fitting"]
    assert counts[1:] == [["runs/search"]] * 2
