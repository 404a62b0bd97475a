"""To add an option of a recipe is to add one field to `Recipe`: tried by adding one and using it from a shell.

The field is added in processes of their own, before anything else of expctl is imported.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from expctl.recipe import OPTIONS, Recipe
from expctl.training.models.configure import RECIPE_KEYS
from tests.conftest import write_reviews

if TYPE_CHECKING:
    from collections.abc import Callable

ADD = """
import dataclasses, json, sys
from expctl import recipe
from expctl.parameters import Interval

@dataclasses.dataclass(frozen=True, slots=True)
class Recipe(recipe.Recipe):
    fold_seed: int = recipe.option(
        "Seed of the folds alone.", default=7, before=7, metavar="N", panel="Model", domains=(Interval(int, 0),),
        may_vary=True,
    )


recipe.Recipe = Recipe
recipe.OPTIONS = recipe.options_of(recipe.Recipe)
"""
COMMAND = """
sys.argv = ["expctl", *sys.argv[1:]]
from expctl.cli.app import main
main()
"""


@pytest.fixture
def with_option(tmp_path: Path, migrated_store: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a script, by default the command line, where recipes have a `fold_seed`; gives what it writes to stdout."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    write_reviews(tmp_path / "small.csv", 40)

    def run(*arguments: str, script: str = COMMAND, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", ADD + script, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + (done.stderr if code else "")

    return run


def test_every_field_of_a_recipe_is_an_option_or_follows_from_one() -> None:
    """A field that nobody could set, or a key without a field, would be the beginning of two sources."""
    assert {one.name for one in fields(Recipe)} - set(OPTIONS) == {
        "parameters", "columns", "model_hash", "extra_metric_hash", "stop_words_hash",
    }  # fmt: skip
    assert set(RECIPE_KEYS) == set(OPTIONS)


def test_a_new_option_is_a_flag_of_both_commands_and_an_axis_of_a_sweep(with_option: Callable[..., str]) -> None:
    for command in ("train", "sweep"):
        model = with_option(command, "--help").partition("Model:")[2].partition("Record:")[0]
        assert "--fold-seed N" in model
        assert "Seed of the folds alone.  [default: 7]" in " ".join(model.split("\n")[0:99])
    trials = with_option("sweep", "-g", "fold_seed=1,2", "--data", "small.csv", "--dry-run", "--format", "json")
    assert [row["fold_seed"] for row in json.loads(trials)["rows"]] == [1, 2]
    assert "fold_seed must be an integer from 0; '-1' is not" in with_option("train", "--fold-seed", "-1", code=2)


def test_a_new_option_is_a_config_key_a_parameter_and_part_of_the_command(
    with_option: Callable[..., str], tmp_path: Path
) -> None:
    config = tmp_path / "options.toml"
    config.write_text('data = "small.csv"\nfold_seed = -1\n')
    assert "options.toml, line 2: fold_seed must be" in with_option("train", "--config", str(config), code=2)
    config.write_text('data = "small.csv"\nfold_seed = 3\n')
    run = with_option("train", "--config", str(config), "--format", "id").strip()
    shown = json.loads(with_option("show", run, "--format", "json"))
    assert shown["parameters"]["fold_seed"] == 3
    assert shown["run"]["command"].startswith("expctl train --data small.csv --fold-seed 3 --run-name ")


REST = """
from expctl.training.models.configure import configure, defaults, recorded
from expctl.training.search.recipe_diff import factors_between, recipe_between
from expctl.workflows.sweep_plan import Plan

old = recorded(json.dumps({"data": "a.csv", "parameters": {}}))
new = configure({"data": "a.csv", "fold_seed": "3"})
plan = Plan({"c": "1,2"}, {"data": "a.csv", "fold_seed": "3"}, "grid", None, "f1_score", 1, None, "", None)
factors = factors_between(old, new, ((None, None), (None, None)))
print(json.dumps({
    "old": [old.fold_seed, "fold_seed" in json.loads(old.to_json())],
    "new": json.loads(new.to_json())["fold_seed"],
    "logged": new.logged()["fold_seed"],
    "plan": plan.command(),
    "factors": [[one.name, one.old, one.new] for one in factors],
    "between": recipe_between(old, new, factors) == new,
}))
"""


def test_a_new_option_is_in_json_unless_it_is_as_before_and_a_factor_of_explain(
    with_option: Callable[..., str],
) -> None:
    found = json.loads(with_option(script=REST))
    assert found == {
        "old": [7, False],
        "new": 3,
        "logged": 3,
        "plan": "expctl sweep -g c=1,2 --data a.csv --fold-seed 3 --sampler grid --metric f1_score --jobs 1",
        "factors": [["fold_seed", 7, 3]],
        "between": True,
    }
