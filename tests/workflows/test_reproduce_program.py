"""`reproduce` of a program's run: the same command again, in its folder, held against the record; what is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from expctl.records import Tag
from tests.cli.commands.test_run import latest, write_predictions
from tests.tracking.recorded import statuses, store_of

MEASURED = "echo '{\"val_accuracy\": 0.5, \"epoch_seconds\": '$$'}' >metrics.json"


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words], check=True)


def refused(cli, *words: str) -> tuple[int, str]:
    done = cli("reproduce", "latest", *words)
    assert done.stdout == ""
    return done.exit_code, done.stderr.splitlines()[-1]


def test_the_same_command_runs_again_in_its_folder_and_times_do_not_count(cli, folder, monkeypatch):
    git("init", "-q")
    Path("a").mkdir()
    Path("a", "x.sh").write_text(MEASURED)
    git("add", "a")
    git("commit", "-q", "-m", "x")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_of(folder).settings.tracking_uri)
    monkeypatch.chdir(folder / "a")
    cli("run", "--name", "first", "--", "sh", "x.sh", "--lr", "0.1")
    first = latest(folder)
    assert first.tags[Tag.GIT_FOLDER] == "a"
    monkeypatch.chdir(folder)
    done = cli("reproduce", "first", "--trust", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "expctl: first is reproduced bit for bit: 1 metric\n")
    document = json.loads(done.stdout)
    assert (document["verdict"], document["metrics_compared"], "test_rows" in document) == ("identical", 1, False)
    again = store_of(folder).get(document["reproduced_as"])
    assert (again.tags[Tag.REPRODUCES], again.tags[Tag.VERDICT]) == (first.run_id, "identical")
    assert (again.tags[Tag.NOTE], again.params) == (f"reproduces first ({first.run_id})", {"lr": "0.1"})
    assert cli("show", "latest", "--format", "id").stdout.strip() == first.run_id

    Path("a", "x.sh").write_text(MEASURED.replace("0.5", "0.51"))
    done = cli("reproduce", "first", "--trust")
    assert done.exit_code == 1
    assert "expctl: warning: uncommitted changes: none then, " in done.stderr
    assert done.stderr.endswith("expctl: first is not reproduced: 1 of 1 metric differs\n")
    assert "uncommitted changes" in done.stdout
    assert cli("reproduce", "first", "--trust", "--tolerance", "0.1").exit_code == 0
    done = cli("reproduce", "first", "--trust", "--tolerance", "0.001")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1, "expctl: first is not reproduced within 0.001: 1 of 1 metric differs by more",
    )  # fmt: skip
    Path("a", "x.sh").write_text("echo no >&2; exit 3")
    assert refused(cli, "--trust")[0] == 1
    assert statuses(folder).count("FAILED") == 1
    monkeypatch.chdir(folder.parent)
    told = f"expctl: run {first.described} was run in the folder a of its repository, which is not here"
    assert refused(cli, "--trust") == (5, f"{told} (change into the repository)")


@pytest.mark.usefixtures("no_pictures")
def test_predictions_are_compared_row_by_row(cli, runs):
    program = write_predictions(runs, "bayes")
    cli("run", "--name", "mine", "--predictions", "pred.csv", "--", "sh", "-c", program)
    done = cli("reproduce", "mine", "--trust", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["verdict"], document["same_rows"], document["largest_score_change"]) == ("identical", 40, 0)
    lines = Path("given.csv").read_text().splitlines()
    wrong = lines[1].split(",")
    wrong[2] = "negative" if wrong[2] == "positive" else "positive"
    Path("given.csv").write_text("\n".join([lines[0], ",".join(wrong), *lines[2:]]))
    assert json.loads(cli("reproduce", "mine", "--trust", "--format", "json").stdout)["changed_predictions"] == 1
    assert cli("reproduce", "mine", "--trust", "--tolerance", "0.1").exit_code == 0


def test_what_cannot_be_run_again_is_told_before_it_is_run(cli, folder):
    Path("d.csv").write_text("a\n1\n")
    cli("run", "-q", "--data", "d.csv", "--", "sh", "-c", MEASURED)
    where = f"run {latest(folder).described}"
    line = "sh -c 'echo"
    assert refused(cli)[1].startswith(f"expctl: {where} is that of a program: {line}")
    assert refused(cli)[0] == 5
    for flag in (["--data", "d.csv"], ["--no-record"], ["--isolated"]):
        assert refused(cli, "--trust", *flag)[0] == 2
    Path("d.csv").write_text("a\n2\n")
    told = f"expctl: d.csv is not what run {latest(folder).label} was made from: its sha256 is another"
    assert refused(cli, "--trust") == (5, f"{told} (restore the file)")
    cli("run", "-q", "--", "true")
    assert refused(cli, "--trust")[0] == 6
    cli("run", "-q", "--", "sh", "-c", MEASURED, "x", "--password", "hunter2")
    assert refused(cli, "--trust") == (
        2,
        f"expctl: the command of run {latest(folder).described} held a secret, which was not recorded"
        " (type it again: expctl run -- ...)",
    )
    cli("run", "-q", "--", "false")
    assert refused(cli, "--trust")[0] == 3
    assert len(statuses(folder)) == 4
