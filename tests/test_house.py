"""The house: who imports whom, what a command loads, and the size of the rooms."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

import expctl
from tests.forks import forking
from tests.tracking.recorded import make_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.tracking.kinds import Kinds

PACKAGE = Path(expctl.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]

HEAVY = (
    *("mlflow", "sklearn", "pandas", "numpy", "scipy", "pyarrow", "matplotlib", "optuna", "skops", "joblib", "fsspec"),
    *("rich.table", "rich.console"),
)
# What computes: no command that only reads a store needs any of it.
CORE = (
    "expctl.training.models.pipeline",
    "expctl.training.fit.trainer",
    "expctl.training.tasks.class_metrics",
    "expctl.training.data.dataset",
)


def test_the_import_contract_of_the_house_is_kept() -> None:
    """The layers, and who may know MLflow, Rich, scikit-learn: pyproject.toml, [tool.importlinter]."""
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or "lint-imports"
    done = subprocess.run([command, "--no-cache"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [5-9] kept, 0 broken", done.stdout)


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_every_module_says_what_it_is_and_is_short_enough_to_read(path: Path) -> None:
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{path.name} has no docstring: what does it own, what must it not know?"
    assert len(docstring.splitlines()[0]) > 15
    assert len(text.splitlines()) <= 400, "a file that passes 400 lines wants a second room"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_only_the_command_line_and_the_renderer_write_to_the_streams(path: Path) -> None:
    """stdout is data: a stray print in the core would break `RUN=$(expctl train --format id)`."""
    if path.relative_to(PACKAGE).parts[0] in ("cli", "render"):
        return
    tree = ast.parse(path.read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "print" not in {function.id for function in calls if isinstance(function, ast.Name)}
    written = {ast.unparse(function) for function in calls if isinstance(function, ast.Attribute)}
    assert not written & {"sys.stdout.write", "sys.stdout.buffer.write", "print"}


TESTS = Path(__file__).parent
# Modules that have no test file, with the reason.
EXEMPT: dict[str, str] = {
    "analysis/importance.py": "values alone, without behaviour: made by workflows/importance.py, shown by render",
    "analysis/report.py": "values alone, without behaviour: made by workflows/report.py, shown by render/report.py",
    "training/tasks/protocol.py": "a protocol, without behaviour: what a task has to have",
    "workflows/doctor_check.py": "values alone, without behaviour: made by workflows/doctor*.py",
}
# Modules that are still tested in a file of another name, and in which: to be emptied, never to be added to.
ELSEWHERE: dict[str, str] = {
    "cli/config_file.py": "cli/commands/test_train.py",
    "cli/inputs.py": "cli/commands/test_predict.py",
    "cli/options/common.py": "cli/test_app.py",
    "cli/options/training.py": "cli/commands/test_train.py",
    "cli/streams.py": "cli/test_app.py",
    "tracking/client.py": "tracking/test_store.py",
    "tracking/archive/load.py": "cli/commands/test_export.py",
    "tracking/archive/schema.py": "tracking/archive/test_container.py",
    "model_types.py": "test_compat.py",
    "training/data/kinds.py": "training/tasks/test_tasks.py",
    "training/fit/skops_file.py": "tracking/models/test_storage.py",
    "training/tasks/classification.py": "training/tasks/test_tasks.py",
    "workflows/compare.py": "cli/commands/test_compare.py",
    "workflows/explain_question.py": "workflows/test_explain.py",
    "workflows/list_runs.py": "cli/commands/test_list.py",
    "workflows/predict.py": "cli/commands/test_predict.py",
    "workflows/reproduce.py": "cli/commands/test_reproduce.py",
    "workflows/sweep_preview.py": "cli/commands/test_sweep.py",
    "workflows/sweep_resume.py": "workflows/test_sweep.py",
    "workflows/train.py": "cli/commands/test_train.py",
}
# Test files without a module of their name, with what they cross.
CROSSING: dict[str, str] = {
    "training/fit/test_plain_tables.py": "tables by expctl and by plain scikit-learn",
    "test_house.py": "the package as a whole: imports, sizes, streams, and this list",
    "test_environments.py": "pyproject.toml against the lowest releases that are tested",
    "test_readme.py": "the README against the tables of the code, and its commands as they are typed",
    "test_warm.py": "the processes that tests fork, beside fresh ones",
    "test_extending.py": "one more of everything that a table or a folder lists, through the command line",
    "docs/test_ci.py": "the workflows of the topic `ci`, run step by step",
    "docs/test_docs.py": "the README and the topics: links, commands, options, the distribution's name",
    "docs/test_guild.py": "the commands of the topic for users of Guild AI, as they are typed",
    "docs/test_programs.py": "the programs of the topic, run as the topic says",
    "docs/test_sessions.py": "the commands of the topics, as they are typed",
    "docs/test_sklearn.py": "scikit-learn's examples beside the commands of the topic",
    "docs/test_tables.py": "the tables of the topics against those of the code",
    "cli/options/test_shells.py": "completion in the shells themselves",
    "cli/test_program_sweeps.py": "sweeps of programs in an SQLite file and through a server, until it is away",
    "cli/test_several_experiments.py": "runs of several experiments, in every command that finds some",
    "cli/test_regression_runs.py": "regressions beside classifications, in the commands that rank, compare and keep",
    "cli/test_tables.py": "a table through every command",
    "cli/test_sweep_reading.py": "how a sweep's flags and files become a space",
    "tracking/test_modes.py": "every way to keep a store, through the command line",
    "tracking/test_old_servers.py": "every command on a real server of an older MLflow",
    "tracking/test_readers.py": "the readers of stores, which tell the same",
    "tracking/test_requests.py": "how many requests each command takes at a server",
    "tracking/test_s3.py": "artifacts in a bucket, through a server and by an own key",
    "training/tasks/test_tasks.py": "one more task and one more kind of features, from the reader to the recorded run",
    "training/test_cluster.py": "workers on a Dask cluster, from the sweep to the recorded run",
    "workflows/test_new_recipe_option.py": "one more option of a recipe, from the shell to the recorded run",
}


def _without_test_file() -> set[str]:
    modules = {name for name in NAMES if Path(name).name not in ("__init__.py", "__main__.py")}
    return {name for name in modules if not (TESTS / name).with_name(f"test_{Path(name).name}").is_file()}


def test_every_module_has_the_test_file_of_its_name() -> None:
    """Who changes a module finds what holds it."""
    assert _without_test_file() == {*EXEMPT, *ELSEWHERE}
    assert [name for name in ELSEWHERE.values() if not (TESTS / name).is_file()] == []


def test_every_test_file_mirrors_a_module_or_says_what_it_crosses() -> None:
    files = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    mirrored = {file for file in files if (PACKAGE / file).with_name(file.name.removeprefix("test_")).is_file()}
    apart = {file for file in files if file.parts[0] in ("faults", "golden", "benchmark", "simulation")}
    assert {str(file) for file in files - mirrored - apart} == set(CROSSING)


def _imports(path: Path) -> set[str]:
    """The modules of ours that a module imports when it runs, within its functions too."""
    tree = ast.parse(path.read_text())
    for_types = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    left_out = {id(node) for block in for_types for node in ast.walk(block)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in left_out and (node.module or "").startswith("expctl"):
            found |= {f"{node.module}.{one.name}" for one in node.names} | {str(node.module)}
    return found


def test_no_import_goes_round_in_a_circle() -> None:
    """Who understands a module needs not understand first what stands on it."""
    modules = {
        "expctl." + name.removesuffix(".py").replace("/", "."): path for name, path in zip(NAMES, MODULES, strict=True)
    }
    needs = {name: _imports(path) & set(modules) - {name} for name, path in modules.items()}
    while free := {name for name, wanted in needs.items() if not wanted & set(needs)}:
        needs = {name: wanted for name, wanted in needs.items() if name not in free}
    assert needs == {}


INSIDE_A_PIPELINE = re.compile(r"\.(steps\b|named_steps|transformers_?\b|named_transformers_)|['\"]tfidf['\"]")


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_only_one_module_looks_into_the_steps_of_a_pipeline(path: Path) -> None:
    """Another layout, of other columns or for another kind of estimator, is then one file's business."""
    found = [line.strip() for line in map(ast.unparse, _code(path)) if INSIDE_A_PIPELINE.search(line)]
    assert bool(found) is (path.relative_to(PACKAGE).as_posix() == "training/models/steps.py"), found


def _code(path: Path) -> list[ast.expr]:
    """Names, attributes and strings of a module, without its docstrings."""
    tree = ast.parse(path.read_text())
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    looked_at = ast.Attribute | ast.Constant
    return [node for node in ast.walk(tree) if isinstance(node, looked_at) and id(node) not in texts]


# MLflow's calls that write a run. Models, their registry and deleting have their own.
WRITING = {
    *(
        "create_run",
        "log_batch",
        "log_param",
        "log_metric",
        "log_artifact",
        "log_artifacts",
        "log_inputs",
        "log_outputs",
    ),
    *("create_logged_model", "finalize_logged_model", "log_model_artifacts", "set_terminated", "update_run", "set_tag"),
    "delete_tag",
}
# `artifacts` sends the files; `lacks` asks whether a server has the call, for a run that is not there.
WRITERS = {"tracking/runs/writer.py", "tracking/runs/artifacts.py", "tracking/models/writing.py", "tracking/lacks.py"}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_one_module_writes_runs(path: Path) -> None:
    """Every run begins, is filled and ends by `RunWriter`, whoever asks for it; models have a module of their own."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    found = {call.attr for call in calls if isinstance(call, ast.Attribute)} & WRITING
    assert bool(found) is (path.relative_to(PACKAGE).as_posix() in WRITERS), found


def _long(path: Path) -> list[str]:
    """Functions of more than 60 lines, without signature and docstring, that do not say why (`# long: reason`)."""
    text = path.read_text()
    lines, found = text.splitlines(), []
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1
            if length > 60 and "# long: " not in lines[function.lineno - 1]:
                found.append(f"{function.name}: {length}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_function_is_short_enough_to_read_or_says_why_not(path: Path) -> None:
    """Its branches are counted by ruff: PLR0912, at most 12."""
    assert _long(path) == []


def test_a_long_function_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n" + "    1\n" * 61 + "def g():  # long: a table\n" + "    1\n" * 61)
    assert _long(tmp_path / "a.py") == ["f: 61"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[int, set[str], str]]]:
    """Runs a command in a process of its own: its exit code, every module it loaded, and both streams."""
    with forking(tmp_path_factory.mktemp("loaded")) as run:
        yield run


HELP = [
    ["--help"],
    ["--version"],
    [],
    ["help", "--format", "json"],
    *(
        [command, "--help"]
        for command in ("train", "sweep", "list", "show", "compare", "explain", "best", "predict", "promote", "report")
    ),
]
MISTAKES = [
    ["report", "--output", "data.csv"],
    ["run"],
    ["run", "--metric", "a=b", "--", "true"],
    ["run", "--timeout", "soon", "--", "true"],
    ["adopt", "x"],
    ["adopt", "x", "--predictions", "a.csv", "--data", "b.csv"],
    ["nonsense"],
    ["--nonsense"],
    ["train", "--nonsense"],
    ["train", "--c", "0"],
    ["train", "--c", "nan"],
    ["train", "--c", "abc"],
    ["train", "-p", "cc=1"],
    ["train", "-p", "c"],
    ["train", "--model", "nope"],
    ["train", "--test-size", "1.5"],
    ["train", "--format", "xml"],
    ["train", "--run-name", " "],
    ["train", "-t", "mlflow.x=1"],
    ["train", "--stratify", "maybe"],
    ["train", "--dry-run", "--format", "id"],
    ["train", "--extra-metric", "cost"],
    ["sweep"],
    ["sweep", "-g", "c=x"],
    ["sweep", "-g", "c=1", "--c", "1"],
    ["sweep", "-g", "c=1", "--from", "a", "--resume", "b"],
    ["sweep", "-g", "c=1", "--timeout", "soon"],
    ["sweep", "-g", "c=1", "--sampler", "tpes"],
    ["sweep", "-g", "c=1", "--metric", "f1"],
    ["sweep", "-g", "c=1", "--backend", "ray"],
    ["sweep", "-g", "c=1", "--keep-models", "some"],
    ["sweep", "-g", "c=1", "--dry-run", "--format", "id"],
    ["gate", "latest", "--baseline", "best", "--metric", "fit_seconds"],
    ["gate", "latest", "--baseline", "best", "--max-drop", "nan"],
    ["gate", "latest", "--baseline", "best", "--format", "csv"],
    ["compare", "a", "b", "--confidence", "2"],
    ["compare", "a", "b", "--confidence", "sure"],
    ["compare", "a", "b", "c", "--flips", "1"],
    ["compare", "latest"],
    ["compare"],
    ["explain", "latest"],
    ["explain", "latest~1", "latest", "--metric", "fit_seconds"],
    ["explain", "latest~1", "latest", "--budget", "-1"],
    ["list", "--limit", "x"],
    ["list", "--limit", "-1"],
    ["list", "--sort", ":"],
    ["list", "--columns", ","],
    ["list", "--since", "soon"],
    ["list", "--status", "odd"],
    ["list", "-e", "a", "--all-experiments"],
    ["edit"],
    ["edit", "x"],
    ["edit", "x", "-t", "mlflow.x=1"],
    ["experiments", "--delete"],
    ["experiments", "a", "--delete", "--purge"],
    ["get", "x", "--format", "id"],
    ["get", "x", "-o", ""],
    ["list", "-e", ""],
    ["best", "--metric", ""],
    ["log", "x"],
    ["log", "x", "--metric", "a=x"],
    ["delete", "--force", "x"],
    ["delete", "--older-than", "soon"],
    ["compare", "a", "b", "c", "--code"],
    ["best", "--top", "0"],
    ["show"],
    ["export", "-o", "x.zip"],
    ["import", "x.zip", "--format", "xml"],
    ["predict"],
    ["predict", "text", "--input", "x.csv"],
    ["predict", "text", "--output", "x.doc"],
    ["promote"],
    ["promote", "latest", "a/b"],
    ["promote", "latest", "reviews", "--alias", "v1"],
    ["promote", "latest", "reviews", "--if-better-than", "champion", "--metric", "oov"],
]


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_and_version_load_nothing_heavy(arguments: list[str], tmp_path: Path, loaded: Any) -> None:
    """Help that takes four seconds, as that of mlflow does, is not asked for twice."""
    code, modules, said = loaded(tmp_path, *arguments)
    assert (code, bool(said)) == (0, True)
    own = {"rich.console", "rich.table"} if Version(version("typer")) < Version("0.22") else set()
    assert (modules - own) & set(HEAVY) == set()
    others = {name for name in modules if name.startswith("expctl.cli.commands.")}
    if arguments == ["--version"]:
        assert others == set()
    elif arguments in (["show", "--help"], ["best", "--help"]):
        assert others == {f"expctl.cli.commands.{arguments[0]}"}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_usage_errors_are_told_before_anything_heavy_is_loaded(
    arguments: list[str], tmp_path: Path, loaded: Any
) -> None:
    """A typo is answered at once, with exit code 2, in one line."""
    code, modules, said = loaded(tmp_path, *arguments)
    assert (code, said.count("\n"), said[:8]) == (2, 1, "expctl: ")
    assert modules & set(HEAVY) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def trained(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory, loaded: Any) -> Path:
    """A folder with a store of trained runs."""
    folder = tmp_path_factory.mktemp("trained")
    kinds.fill("sqlite", folder, make_runs)
    code, modules, said = loaded(folder, "train", "--data", "small.csv", "--quiet")
    assert code == 0, said
    # The spy sees what a command loads; or no test here could fail.
    assert {"mlflow", "sklearn", "pandas", "numpy", "matplotlib", *CORE} <= modules
    return folder


READERS = [
    ["list"],
    ["list", "--sort", "f1_score", "--format", "json"],
    ["list", "--filter", "f1_score > 0 and c = 1"],
    ["show", "latest"],
    ["compare", "strong", "latest", "--per-class"],
    ["best"],
    ["best", "--all-experiments"],
    ["compare", "expctl/strong", "expctl/latest", "--code"],
    ["get", "latest"],
    ["get", "latest", "classification_report.txt"],
    ["experiments"],
]


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_commands_that_read_a_store_load_no_mlflow_no_training_and_no_scikit_learn(
    arguments: list[str], trained: Path, loaded: Any
) -> None:
    """Two seconds of imports for a list would be two seconds too many."""
    code, modules, said = loaded(trained, *arguments)
    assert code == 0, said
    heavy = {"mlflow", "sqlalchemy", "sklearn", "skops", "matplotlib", "optuna", "rich.table"}
    assert modules & {*CORE, *heavy} == set()
    assert "pandas" not in modules
    if arguments[0] != "compare":  # which reads predictions and tests them
        assert modules & {"numpy", "scipy", "pyarrow"} == set()


@pytest.mark.parametrize("run", [(), ("--run", "latest")], ids=["the best", "named"])
def test_predicting_with_a_model_on_this_machine_loads_no_mlflow(
    run: tuple[str, ...], trained: Path, loaded: Any
) -> None:
    code, modules, said = loaded(trained, "predict", "a good film", *run)
    assert code == 0, said
    assert "sklearn" in modules
    assert modules & {"mlflow", "sqlalchemy", "matplotlib", "optuna"} == set()
