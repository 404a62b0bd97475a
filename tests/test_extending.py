"""What the package says of itself is true: one entry, or one file, adds a thing, which then works to the end.

One more family, metric, sampler, format, setting and command, each used through the command line. A check of the data,
an option of a recipe, a task and a kind of features are tried beside their tables.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from expctl.metrics import METRICS, Metric
from expctl.parameters import count, positive
from expctl.render.formats import FORMATS
from expctl.settings import Settings, load_settings
from expctl.training.models.families import FAMILIES, Family
from expctl.training.search.samplers import SAMPLERS, Sampler
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from expctl.analysis.label_metrics import ClassCounts

NEW_FAMILIES = {
    "tree": Family(
        "sklearn.tree:DecisionTreeClassifier", "one tree", (count("max_depth", "max_depth", 3, or_none=True),),
        ("sklearn.tree._tree.Tree",),
    ),
    "knn": Family(
        "sklearn.neighbors:KNeighborsClassifier", "nearest neighbours", (count("n_neighbors", "n_neighbors", 5),),
        ("scipy.sparse._csr.csr_matrix",),
    ),
    "svc": Family("sklearn.svm:SVC", "kernel machine", (positive("c", "C", 1.0),), ("scipy.sparse._csr.csr_matrix",)),
    "mlp": Family(
        "sklearn.neural_network:MLPClassifier", "a small network", (count("max_iter", "max_iter", 400),),
        ("sklearn.neural_network._stochastic_optimizers.AdamOptimizer", "sklearn.preprocessing._label.LabelBinarizer"),
    ),
}  # fmt: skip


def error_rate(counts: ClassCounts) -> np.ndarray:
    """A metric that nobody has: less is better."""
    rate: np.ndarray = 1 - counts.hits.sum(axis=1) / counts.total
    return rate


@pytest.fixture
def one_more_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{__name__}:error_rate"
    entry = Metric("error_rate", "error rate", False, "labels", "share of test rows predicted wrong", path)
    monkeypatch.setitem(METRICS, "error_rate", entry)


def ok(done: Any) -> Any:
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NEW_FAMILIES)
def test_a_family_is_one_entry(
    name: str, small: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    """Trained, predicted with without --trust, reproduced, swept."""
    monkeypatch.setitem(FAMILIES, name, NEW_FAMILIES[name])
    key = NEW_FAMILIES[name].parameters[0].key
    json_of = ("--format", "json")
    train = ["train", "--data", small.name, "--model", name, "--run-name", "one", "--max-features", "50"]
    ok(cli(*train, *json_of))
    rows = ok(cli("predict", "--run", "one", "the film was lovely", *json_of))["rows"]
    assert rows[0]["prediction"] in ("positive", "negative")
    assert ok(cli("reproduce", "one", "--no-record", *json_of))["verdict"] == "identical"
    sweep = ["sweep", "--data", small.name, "--model", name, "-g", f"{key}=2,4", "--jobs", "1", "--max-features", "50"]
    if name in ("tree", "knn"):  # workers are processes of their own, which know no entry of this one
        monkeypatch.setattr("expctl.training.search.workers.LocalPool", _in_process())
        assert len(ok(cli(*sweep, *json_of))["rows"]) == 2


def _in_process() -> Any:
    from expctl.training.search.workers import InProcess

    return lambda *given, **named: InProcess()


def test_a_metric_is_one_entry(
    one_more_metric: None, small: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    """Recorded with limits and folds, shown, compared, gated, ranked and swept by, in its own direction."""
    json_of = ("--format", "json")
    good = ok(cli("train", "--data", small.name, "--run-name", "good", "--c", "10", "--cv", "2", *json_of))
    bad = ok(cli("train", "--data", small.name, "--run-name", "bad", "--model", "dummy", *json_of))
    for shown in (good, bad):
        figure = shown["metrics"]["error_rate"]
        assert figure["value"] == pytest.approx(1 - shown["metrics"]["accuracy"]["value"], abs=1e-12)
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert good["metrics"]["error_rate"]["cv_mean"] < 0.3
    assert ok(cli("show", "bad", *json_of))["metrics"]["error_rate"]["value"] == bad["metrics"]["error_rate"]["value"]
    compared = ok(cli("compare", "bad", "good", *json_of))["metrics"]["error_rate"]
    assert compared["change"] < 0
    assert (compared["verdict"], compared["high"] < 0) == ("better", True)
    gate = cli("gate", "bad", "--baseline", "good", "--metric", "error_rate", *json_of)
    assert gate.exit_code == 1, gate.stderr
    assert cli("gate", "good", "--baseline", "bad", "--metric", "error_rate").exit_code == 0
    best = ok(cli("best", "--metric", "error_rate", "--top", "2", *json_of))["rows"]
    assert [row["name"] for row in best] == ["good", "bad"]
    assert [row["name"] for row in ok(cli("list", "--sort", "error_rate", *json_of))["rows"]] == ["good", "bad"]
    monkeypatch.setattr("expctl.training.search.workers.LocalPool", _in_process())
    sweep = ["sweep", "--data", small.name, "-g", "c=0.0001,10", "--metric", "error_rate", "--jobs", "1"]
    ranked = ok(cli(*sweep, *json_of))["rows"]
    assert ranked[0]["error_rate"] <= ranked[1]["error_rate"]


def test_a_metric_of_scores_is_one_entry_too(
    small: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    path = f"{__name__}:certainty"
    monkeypatch.setitem(METRICS, "certainty", Metric("certainty", "certainty", True, "scores", "mean score", path))
    for name, c in (("weak", "0.01"), ("strong", "10")):
        ok(cli("train", "--data", small.name, "--run-name", name, "--c", c, "--format", "json"))
    compared = ok(cli("compare", "weak", "strong", "--format", "json"))["metrics"]["certainty"]
    assert compared["challenger"] > compared["baseline"]
    assert compared["verdict"] == "better"


def certainty(run: Any, rows: np.ndarray, _pairing: Any) -> tuple[float, np.ndarray] | None:
    """The mean of the largest probability."""
    if run.scores is None:
        return None
    figures = run.scores[rows].max(axis=1)
    return float(figures.mean()), figures


def test_a_format_is_one_function_and_one_entry(
    runs: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "count", lambda sheet: f"{len(sheet.rows)} rows\n")
    assert cli("list", "--format", "count").stdout == "4 rows\n"
    assert "csv, md, id or count" in " ".join(_help_of("list", "FORMATS['count'] = len").split())
    assert cli("list", "--format", "xml").stderr.count("count") == 1


def test_a_sampler_is_one_entry(small: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLERS, "brute", Sampler("optuna.samplers:BruteForceSampler", "all of them, in any order"))
    monkeypatch.setattr("expctl.training.search.workers.LocalPool", _in_process())
    sweep = ["sweep", "--data", small.name, "-g", "c=0.1,1", "--sampler", "brute", "--trials", "2", "--jobs", "1"]
    done = cli(*sweep, "--model", "logreg", "--format", "json")
    assert len(ok(done)["rows"]) == 2
    assert "brute" in cli(*sweep[:5], "--sampler", "odd").stderr


@pytest.mark.parametrize("field", [one for one in fields(Settings) if one.metadata], ids=lambda field: field.name)
def test_a_setting_is_one_field_and_one_line(field: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the flag, the environment, .env and the default, in this order."""
    monkeypatch.chdir(tmp_path)
    usual = ("0.1", "0.2", "0.3")  # text, and where a number is read, one
    variable, values = field.metadata["variable"], field.metadata["choices"] or usual
    assert f"{variable}=" in (ROOT / ".env.example").read_text()
    assert getattr(load_settings(), field.name) == field.default
    (tmp_path / ".env").write_text(f"{variable}={values[-1]}\n")
    assert getattr(load_settings(), field.name) == values[-1]
    monkeypatch.setenv(variable, values[1])
    assert getattr(load_settings(), field.name) == values[1]
    assert getattr(load_settings(**{field.name: values[0]}), field.name) == values[0]


COMMAND = '''
"""`expctl hello`: a command in a file of its own."""

from expctl.cli.options.common import Entry


def hello(name: str) -> None:
    """Greet somebody."""
    print(f"hello {name}")


COMMANDS = [Entry("hello", hello, topic="filters")]
'''


def test_a_command_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(COMMAND)
    script = "import sys, expctl.cli.commands as c; c.__path__.append(sys.argv.pop());"
    script += "import expctl.cli.app as a; a.main()"
    run = [sys.executable, "-c", script]
    done = subprocess.run([*run, "hello", "you", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hello you\n"), done.stderr
    listed = subprocess.run([*run, "--help", str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert listed.index("doctor") < listed.index("Greet somebody.")


def _help_of(command: str, change: str) -> str:
    """The --help of a command in a process where a table has one entry more."""
    script = (
        f"import sys; from expctl.render.formats import FORMATS; {change};"
        f"sys.argv = ['expctl', {command!r}, '--help'];"
        "import expctl.cli.app as a; a.main()"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
