"""The examples of the topic `programs` as a user would type them: programs of all sorts against a run of `train`."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, write_reviews
from tests.docs.pages import topic
from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from expctl.records import RunRecord

# What a run needs that is not everywhere.
NEEDS = {"net": "torch", "boost": "lightgbm"}


def write_programs(folder: Path) -> None:
    """The scripts under the names in their first lines, and the data."""
    for language in ("bash", "perl", "python", "r"):
        for block in topic("programs").blocks(language):
            name = re.match(r"# ([\w.]+):", block)
            assert name is not None, block
            (folder / name[1]).write_text(block)
    (folder / "data").mkdir()
    made = write_reviews(folder / "made.csv", 250)
    (folder / "data" / "reviews.csv").write_text(made.read_text())  # no \r: the shell script reads lines


def can_run(words: list[str]) -> bool:
    if words[1:2] != ["run"]:
        return True
    needs = NEEDS.get(words[words.index("--run-name") + 1])
    program = words[words.index("--") + 1]
    return (needs is None or find_spec(needs) is not None) and shutil.which(program) is not None


@pytest.fixture
def examples(cli, folder, monkeypatch) -> dict[str, RunRecord]:
    """All runs of the topic, by name, after each of its commands has been typed."""
    write_programs(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    for line in [line for block in topic("programs").blocks("sh") for line in block.splitlines()]:
        words = shlex.split(line)
        if words[0] != "expctl":
            subprocess.run(["sh", "-c", line], check=True)
        elif can_run(words):
            done = cli(*words[1:])
            absent = words[1] == "gate" and words[2] in NEEDS and find_spec(NEEDS[words[2]]) is None
            expected = (3,) if absent else (0, 1, 6) if words[1] == "gate" else (0,)
            assert done.exit_code in expected, (line, done.stderr)
            assert done.stdout or absent, line
    return {run.name: run for run in store_of(folder).find()}


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.skipif(shutil.which("perl") is None, reason="no Perl here")
def test_programs_of_all_sorts_are_compared_with_each_other_and_with_train(cli, examples):
    names = [name for name in ("common", "words", "logit", "bayes", "forest", "net", "boost") if name in examples]
    assert {"common", "words", "bayes", "forest"} <= set(names)
    trained = examples["trained"]
    for name in names:
        run = examples[name]
        assert (run.status, run.test_set) == ("finished", trained.test_set), name
        assert 0.3 < run.metrics["accuracy"] <= 1
    assert all("log_loss" in examples[name].metrics for name in set(names) - {"common", "words"})
    assert (examples["words"].params["least"], examples["bayes"].params["alpha"]) == ("2", "0.5")
    assert examples["bayes"].metrics["vocabulary"] > 10
    assert "training_accuracy_score" in examples["forest"].metrics  # by autolog, which the run is then
    assert examples["forest"].params["randomforestclassifier__n_estimators"] == "30"
    pairs = [("trained", "forest"), ("words", "bayes"), ("trained", "net"), ("trained", "boost"), ("net", "boost")]
    for pair in [pair for pair in pairs if {*pair} <= {"trained", *names}]:
        compared = json.loads(cli("compare", *pair, "--all", "--format", "json").stdout)
        assert (compared["same_test_set"], "verdict" in compared["metrics"]["f1_score"]) == (True, True)
        assert "low" in compared["metrics"]["log_loss"] or "words" in pair
        decided = cli("gate", pair[1], "--baseline", pair[0], "--max-drop", "0.99", "--format", "json")
        assert (decided.exit_code, json.loads(decided.stdout)["gate"]) == (0, "pass")
    store = store_of(Path.cwd())
    if "net" in names:
        assert len(store.reader.history(examples["net"].run_id, "train_loss")) == 20
    if "boost" in names:
        assert len(store.reader.history(examples["boost"].run_id, "binary_logloss")) == 30
