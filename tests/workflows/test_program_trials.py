"""Trials that are programs: each is what `run` makes of its command; stopped, pruned, failed and gone on with."""

from __future__ import annotations

import json
import threading
import time

import pytest

from expctl.errors import ExitCode, Stopped
from expctl.records import Tag
from expctl.workflows.program_trials import ProgramPool
from tests.tracking.swept import children, parent_of

pytestmark = pytest.mark.usefixtures("no_pictures")
SH = ["--", "sh", "-c"]


def test_each_trial_is_a_run_with_its_own_folder_and_they_are_ranked(cli, folder):
    code = (
        'echo "loss: $0"; echo "{run_id}" > "{run_dir}/id.txt"; mkdir "{run_dir}/model"; echo w > "{run_dir}/model/w"'
    )
    words = ["sweep", "-g", "x=3,1,2", "--metric", r"loss=loss: (\S+)", "--name", "s", "-j", "2", "--format", "json"]
    done = cli(*words, *SH, code, "{x}")
    assert done.exit_code == 0, done.stderr
    assert [row["loss"] for row in json.loads(done.stdout)["rows"]] == [1.0, 2.0, 3.0]
    for run in children(folder, "s"):
        assert (run.status, run.params["x"], run.tags["mlflow.source.name"][:6]) == (
            "finished",
            run.params["x"],
            "sh -c ",
        )
        assert cli("get", run.run_id, "id.txt").stdout == f"{run.run_id}\n"
        assert cli("get", run.run_id, "run_dir/model/w").stdout == "w\n"
        assert not {"python", "blas", "threads"} & set(run.tags)  # which are of our process
    assert parent_of(folder, "s").metrics["best_loss"] == 1.0
    assert "expctl sweep -g x=3,1,2" in cli("show", "s").stdout


def test_a_trial_that_fails_is_told_and_resumed_alone(cli, folder):
    code = 'echo "loss: $0"; test "$0" = 1 || test -e fixed || exit 3'
    failed = cli("sweep", "-g", "x=1,2", "--metric", r"loss=loss: (\S+)", "--name", "s", *SH, code, "{x}")
    assert failed.exit_code == 1
    assert "1 of 2 trials failed; the first, x=2: the program ended with exit status 3" in failed.stderr
    (folder / "fixed").touch()
    done = cli("sweep", "--resume", "s")
    assert done.exit_code == 0, done.stderr
    assert [(run.trial, run.status) for run in children(folder, "s")] == [
        (1, "finished"),
        (2, "failed"),
        (2, "finished"),
    ]


def test_the_program_itself_may_be_varied(cli, folder):
    done = cli("sweep", "-g", "program=echo,nothere", "--metric", "loss=(.)", "--name", "s", "--", "{program}", "1")
    assert (
        "1 of 2 trials failed; the first, program=nothere: the program cannot be started: No such file" in done.stderr
    )
    assert [run.metrics for run in children(folder, "s")] == [{"loss": 1.0}, {}]


def test_a_pruned_trial_is_killed_neither_failed_nor_ranked_and_not_run_again(cli, folder):
    code = 'echo "loss: $0"; test "$0" = 9 && sleep 600; :'
    pruned = ["--prune", "median", "--metric", r"loss=loss: (\S+)"]
    done = cli("sweep", "-g", "x=1,2,3,4,5,9", "--name", "s", *pruned, *SH, code, "{x}")
    assert done.exit_code == 0, done.stderr
    assert "1 of 6 trials was pruned" in done.stderr
    last = children(folder, "s")[-1]
    assert (last.status, last.tags[Tag.PRUNED]) == ("killed", "0")
    assert last.tags[Tag.REASON] == "pruned at step 0, loss 9 (--prune median)"
    assert last.metrics == {"loss": 9.0}
    assert parent_of(folder, "s").metrics["trials_pruned"] == 1
    assert "nothing was left to do" in cli("sweep", "--resume", "s").stderr
    assert len(children(folder, "s")) == 6


def test_what_stops_the_sweep_stops_its_programs_and_their_runs_are_recorded(cli, folder, monkeypatch):
    waited = ProgramPool.done
    calls = []

    def stopped(self, futures):
        calls.append(1)
        if len(calls) > 1:
            return waited(self, futures)
        while not (folder / "up1").exists() or not (folder / "up2").exists():
            time.sleep(0.01)
        raise Stopped("SIGTERM", ExitCode.TERMINATED)

    monkeypatch.setattr(ProgramPool, "done", stopped)
    words = ["sweep", "-g", "x=1,2", "--metric", "loss", "--name", "s", "-j", "2"]
    done = cli(*words, *SH, 'echo kept; touch "up$0"; sleep 600', "{x}")
    assert done.exit_code == 143
    assert "finished trials are kept; resume: expctl sweep --resume" in done.stderr
    runs = [*children(folder, "s"), parent_of(folder, "s")]
    assert {(run.status, run.tags[Tag.REASON]) for run in runs} == {("killed", "stopped by SIGTERM")}
    assert cli("get", runs[0].run_id, "output.log").stdout == "kept\n"
    assert threading.active_count() == 1 or not [one for one in threading.enumerate() if "done" in one.name]
