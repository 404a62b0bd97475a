"""`expctl explain`: whole streams and exit codes; what it records is no rival of the runs it explains."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from expctl.errors import ExitCode
from tests.conftest import Done
from tests.tracking.recorded import statuses, store_of, train
from tests.tracking.swept import parent_of
from tests.warm import Process

pytestmark = pytest.mark.usefixtures("no_pictures")


def refused(done: Done, code: int, *words: str) -> None:
    """Exactly one line on stderr, nothing on stdout, the documented exit code, and what helps in the line."""
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def plain(text: str) -> str:
    """A text without ids and the widths of columns."""
    return re.sub(r"[ ]+", " ", re.sub(r"\b[0-9a-f]{8,32}\b", "ID", text))


def test_the_path_is_data_and_its_making_is_talk(cli, runs):
    train(runs, "poor", c=0.01, max_features=5)
    done = cli("explain", "poor", "strong")
    assert done.exit_code == 0
    assert plain(done.stdout) == (
        "explanation: explain-poor-strong\n"
        "explanation_id: ID\n"
        "baseline: poor (ID)\n"
        "challenger: strong (ID)\n"
        "metric: f1_score\n"
        "difference: +0.4357\n"
        "low: +0.1865\n"
        "high: +0.6564\n"
        "trainings: 2\n"
        "\n"
        "# factor from to before after effect low high share run\n"
        "1 max_features 5 5000 0.4643 0.8500 +0.3857 +0.1424 +0.6074 89% ID\n"
        "2 c 0.01 10.0 0.8500 0.9000 +0.0500 -0.0584 +0.2328 11% ID\n"
    )
    assert plain(done.stderr) == (
        "expctl: f1_score 0.4643 -> 0.9000 by 2 factors: 2 trainings at most\n"
        "expctl: 1/2 changing c: f1_score 0.4643\n"
        "expctl: 2/2 changing max_features: f1_score 0.8500\n"
        "expctl: next: expctl show ID\n"
    )


def test_the_steps_are_the_same_in_every_format(cli, runs):
    words = ("explain", "weak", "strong", "--budget", "0", "--quiet", "--format")
    told = json.loads(cli(*words, "json").stdout)
    (row,) = told["rows"]
    weak, strong = (parent_of(runs, name).metrics["f1_score"] for name in ("weak", "strong"))
    assert (told["version"], told["kind"], told["trainings"]) == (1, "explanation", 0)
    assert (row["factor"], row["from"], row["to"]) == (
        "c + max_features",
        "c=0.01 max_features=50",
        "c=10 max_features=5000",
    )
    assert (row["before"], row["after"], row["effect"]) == (weak, strong, strong - weak)
    assert (told["difference"], told["low"], told["high"]) == (strong - weak, row["low"], row["high"])
    assert row["share"] is None  # the whole may be none
    assert row["run_id"] == parent_of(runs, "strong").run_id
    assert json.loads(cli(*words, "jsonl").stdout) == row
    (line,) = csv.DictReader(io.StringIO(cli(*words, "csv").stdout))
    assert line == {key: "" if value is None else str(value) for key, value in row.items()}
    assert "| 1 | c + max\\_features |" in cli(*words, "md").stdout
    found = cli(*words, "id").stdout
    assert found.strip() == store_of(runs).find(limit=1)[0].run_id


def test_a_budget_says_what_it_left_together(cli, runs):
    train(runs, "third", c=1.0, max_features=20, min_df=2)
    done = cli("explain", "strong", "third", "--budget", "1", "--format", "csv")
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == ["factor", "c", "max_features + min_df"]
    assert "by 3 factors: 1 training at most\n" in done.stderr
    assert "expctl: max_features, min_df changed together: the budget is used up\n" in done.stderr
    assert "expctl: no shares: the whole difference of f1_score may be none\n" in done.stderr


def test_a_dry_run_refuses_what_could_not_be_trained(cli, runs):
    (runs / "small.csv").unlink()
    refused(cli("explain", "weak", "bayes", "--dry-run"), ExitCode.DATA, "the data of run weak", "is gone")


def test_a_dry_run_lists_the_factors_and_touches_nothing(cli, runs):
    before = statuses(runs)
    done = cli("explain", "weak", "bayes", "--dry-run", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, told["kind"], told["trainings"]) == (0, "", "factors", 2)
    assert told["rows"] == [
        {"factor": "model", "from": "logreg c=0.01", "to": "naive_bayes"},
        {"factor": "max_features", "from": 50, "to": 5000},
    ]
    assert statuses(runs) == before
    refused(cli("explain", "weak", "bayes", "--dry-run", "--format", "id"), ExitCode.USAGE, "unknown format 'id'")


def test_two_runs_of_one_recipe_have_nothing_to_explain(cli, runs):
    before = statuses(runs)
    done = cli("explain", "weak", "weak", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, [])
    assert done.stderr == "expctl: nothing differs: the same recipe, the same data\n"
    assert statuses(runs) == before


def rewritten(module: str, old: str, new: str) -> None:
    """Change a user's module of the current folder, for this process too."""
    path = Path(f"{module}.py")
    path.write_text(path.read_text().replace(old, new))
    sys.modules.pop(module, None)
    importlib.invalidate_caches()


def test_one_recipe_with_two_results_is_told_to_be_environment_or_code(cli, runs):
    shutil.copy("own_models.py", "models_that_change.py")
    train(runs, "before", model="models_that_change:counted")
    rewritten("models_that_change", "LogisticRegression(C=c)", "LogisticRegression(C=c / 100_000)")
    train(runs, "after", model="models_that_change:counted")
    done = cli("explain", "before", "after")
    assert done.exit_code == 0
    assert "nothing differs in recipe and data, yet f1_score went from 0.9250 to 0.8500: " in done.stderr
    assert "environment or code" in done.stderr


def test_what_was_trained_on_the_way_floods_no_list_wins_no_ranking_and_is_not_the_latest(cli, runs):
    """Of a way through better settings than either end has, the runs were not made to be used."""
    train(runs, "worst", model="dummy")
    train(runs, "latest one", model="dummy", max_features=10, random_state=1)
    before = [cli(*words).stdout for words in (("best", "--format", "id"), ("show", "latest", "--format", "id"))]
    assert cli("explain", "worst", "strong").exit_code == 0
    assert cli("explain", "weak", "strong").exit_code == 0
    after = [cli(*words).stdout for words in (("best", "--format", "id"), ("show", "latest", "--format", "id"))]
    assert after == before
    listed = [row["name"] for row in json.loads(cli("list", "--format", "json").stdout)["rows"]]
    assert not [name for name in listed if name.startswith("explain-")]
    flat = cli("list", "--flat").stdout
    assert "explain-weak-strong-1" in flat
    assert "explain-worst-strong" in flat
    ranked = cli("best", "--top", "20", "--format", "json")
    assert not [row for row in json.loads(ranked.stdout)["rows"] if row["name"].startswith("explain")]
    assert "without f1_score" not in ranked.stderr


def test_show_has_the_command_that_explains_again(cli, runs):
    cli("explain", "weak", "strong", "--budget", "0", "--metric", "mcc")
    weak, strong = (parent_of(runs, name).run_id for name in ("weak", "strong"))
    shown = json.loads(cli("show", "explain-weak-strong", "--format", "json").stdout)
    assert shown["run"]["command"] == f"expctl explain {weak} {strong} --metric mcc --budget 0"
    assert {"path.csv", "tried.csv"} <= set(shown["artifacts"])


def test_wrong_use_is_told_in_one_line_with_its_exit_code(cli, runs):
    refused(cli("explain", "weak", "nowhere"), ExitCode.NOT_FOUND, "no run 'nowhere'")
    refused(cli("explain", "weak", "broken"), ExitCode.NOT_FOUND, "has no f1_score: it is failed")
    refused(cli("explain", "weak", "strong", "--metric", "fit_seconds"), ExitCode.USAGE, "cannot test 'fit_seconds'")
    refused(cli("explain", "weak", "strong", "--metric", "f1_scor"), ExitCode.NOT_FOUND, "did you mean 'f1_score'?")
    refused(cli("explain", "weak", "strong", "--confidence", "95"), ExitCode.USAGE, "--confidence 95")
    Path("small.csv").unlink()
    refused(cli("explain", "weak", "strong"), ExitCode.DATA, "the data of run weak (", "is gone: no file small.csv")


def test_a_factory_in_a_recipe_is_not_run_without_trust(cli, runs):
    """FAULTS H07: whoever may write to the store must not be able to have code run by it."""
    shutil.copy("own_models.py", "models_of_others.py")
    train(runs, "own", model="models_of_others:counted", c=2.0)
    rewritten("models_of_others", "\n\n\ndef counted", "\n\n\npathlib.Path('it ran').touch()\n\n\ndef counted")
    refused(cli("explain", "strong", "own"), ExitCode.DATA, "run own (", "made by models_of_others:counted", "--trust")
    assert not Path("it ran").exists()
    assert cli("explain", "strong", "own", "--trust").exit_code == 0
    assert Path("it ran").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_in_the_middle_ends_every_run(runs):
    shutil.copy("own_models.py", "slow_models.py")
    train(runs, "own", model="slow_models:counted", c=2.0)
    with Path("slow_models.py").open("a") as file:
        file.write("\n\ndef counted(c):\n    return Sleepy('fitting')\n")
    before = len(statuses(runs))
    process = Process(
        [sys.executable, "-m", "expctl", "explain", "strong", "own", "--trust"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"},
    )
    while not Path("fitting").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, ""), err
    assert err.endswith("expctl: interrupted\n")
    assert statuses(runs)[before:] == ["KILLED", "KILLED"]
