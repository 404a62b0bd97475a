"""The house: who imports whom, what a command loads, and the size of the rooms."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import expctl

PACKAGE = Path(expctl.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]

HEAVY = (
    *("mlflow", "sklearn", "pandas", "numpy", "scipy", "pyarrow", "matplotlib", "optuna", "skops", "joblib", "fsspec"),
    *("rich.table", "rich.console"),
)
# What computes: no command that only reads a store needs any of it.
CORE = ("expctl.training.pipeline", "expctl.training.core", "expctl.training.evaluate", "expctl.training.dataset")


def test_the_import_contract_of_the_house_is_kept() -> None:
    """DESIGN 3: nothing imports cli, only tracking knows mlflow, analysis is pure, only render knows rich."""
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


SPY = """
import json, sys
sys.argv = ["expctl", *json.loads(sys.argv[1])]
from expctl.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code
open({path!r}, "w").write(json.dumps({{"code": int(code or 0), "modules": sorted(sys.modules)}}))
"""


def clean_environment() -> dict[str, str]:
    """Without settings: mlflow writes MLFLOW_TRACKING_URI into this process where a fixture has opened a store."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EXPCTL_", "MLFLOW_"))}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true"}


def loaded(folder: Path, *arguments: str) -> tuple[int, set[str], str]:
    """Run a command in a fresh process: its exit code, every module it loaded, and both streams."""
    path = folder / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", SPY.format(path=str(path)), json.dumps(arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    assert path.is_file(), done.stderr
    seen: dict[str, Any] = json.loads(path.read_text())
    return seen["code"], set(seen["modules"]), done.stdout + done.stderr


HELP = [
    ["--help"],
    ["--version"],
    [],
    *(
        [command, "--help"]
        for command in ("train", "list", "show", "compare", "explain", "best", "predict", "promote", "report")
    ),
]
MISTAKES = [
    ["report", "--output", "data.csv"],
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
    ["compare", "latest"],
    ["compare"],
    ["explain", "latest"],
    ["explain", "latest~1", "latest", "--metric", "f1"],
    ["explain", "latest~1", "latest", "--budget", "-1"],
    ["list", "--limit", "x"],
    ["list", "--limit", "-1"],
    ["list", "--sort", ":"],
    ["list", "--since", "soon"],
    ["list", "--status", "odd"],
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
    ["promote", "latest", "reviews", "--if-better-than", "champion", "--metric", "f1"],
]


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_and_version_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """Help that takes four seconds, as that of mlflow does, is not asked for twice."""
    code, modules, said = loaded(tmp_path, *arguments)
    assert (code, bool(said)) == (0, True)
    assert modules & set(HEAVY) == set()


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_usage_errors_are_told_before_anything_heavy_is_loaded(arguments: list[str], tmp_path: Path) -> None:
    """A typo is answered at once, with exit code 2, in one line."""
    code, modules, said = loaded(tmp_path, *arguments)
    assert (code, said.count("\n"), said[:8]) == (2, 1, "expctl: ")
    assert modules & set(HEAVY) == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["modules.json"]


@pytest.fixture(scope="module")
def trained(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two trained runs."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(migrated_store, folder / "mlflow.db")
    rows = (f"{'good' if i % 2 else 'bad'} film number {i},{'yes' if i % 2 else 'no'}\n" for i in range(60))
    (folder / "d.csv").write_text("text,label\n" + "".join(rows))
    for c in ("1.0", "0.1"):
        code, modules, said = loaded(folder, "train", "--data", "d.csv", "--c", c, "--quiet")
        assert code == 0, said
        # The spy sees what a command loads; or no test here could fail.
        assert {"mlflow", "sklearn", "pandas", "numpy", "matplotlib", *CORE} <= modules
    return folder


READERS = [
    ["list"],
    ["list", "--sort", "f1_score", "--format", "json"],
    ["list", "--filter", "f1_score > 0 and c = 1"],
    ["show", "latest"],
    ["compare", "latest~1", "latest", "--per-class"],
    ["best"],
]


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_commands_that_read_a_store_load_no_mlflow_no_training_and_no_scikit_learn(
    arguments: list[str], trained: Path
) -> None:
    """Two seconds of imports for a list would be two seconds too many."""
    code, modules, said = loaded(trained, *arguments)
    assert code == 0, said
    heavy = {"mlflow", "sqlalchemy", "sklearn", "skops", "matplotlib", "optuna", "rich.table"}
    assert modules & {*CORE, *heavy} == set()
    if arguments[0] != "compare":  # which reads predictions, and pyarrow loads pandas for that
        assert modules & {"pandas", "numpy", "scipy", "pyarrow"} == set()
