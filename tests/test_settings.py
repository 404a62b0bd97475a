"""Settings: flag, then environment, then `.env`, then default; one list of names in the code and in `.env.example`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values

from expctl.errors import ExitCode, UsageError
from expctl.settings import VARIABLES, Settings, load_settings
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = list(VARIABLES)
OTHER = {
    "tracking_uri": "sqlite:///other.db",
    "experiment": "other",
    "data": "other.csv",
    "developer": "Ann",
    "csv_formulas": "keep",
    "margin": "0.01",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty current folder, and an environment that gets back what `.env` put into it."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def write_env(**values: str) -> None:
    lines = [f"{VARIABLES[name]}={value}\n" for name, value in values.items()]
    with open(".env", "w") as file:  # noqa: PTH123
        file.writelines(lines)


def test_without_anything_said_the_defaults_hold() -> None:
    assert load_settings() == Settings()


@pytest.mark.parametrize("name", NAMES)
def test_flag_wins_over_environment_over_env_file_over_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = OTHER[name]
    default = str(getattr(Settings(), name))
    write_env(**{name: value})
    assert load_settings() == replace(Settings(), **{name: value})
    valid = {"csv_formulas": "escape", "margin": "0.02"}.get(name, f"{value}.environment")
    monkeypatch.setenv(VARIABLES[name], valid)
    assert load_settings() == replace(Settings(), **{name: valid})
    flag = {"csv_formulas": "keep", "margin": "0.03"}.get(name, f"{value}.flag")
    assert load_settings(**{name: flag}) == replace(Settings(), **{name: flag})
    assert default not in (value, flag)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_value_is_none_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(**{name: OTHER[name]})
    assert getattr(load_settings(**{name: ""}), name) == OTHER[name]
    assert getattr(load_settings(**{name: None}), name) == OTHER[name]
    monkeypatch.setenv(VARIABLES[name], "")
    assert load_settings() == Settings()


def test_a_variable_left_empty_in_the_env_file_is_the_default() -> None:
    write_env(**dict.fromkeys(NAMES, ""))
    assert load_settings() == Settings()


def test_the_example_file_names_every_setting_with_its_default_and_no_other() -> None:
    example = dotenv_values(ROOT / ".env.example")
    assert example == {VARIABLES[name]: getattr(Settings(), name) for name in NAMES}
    assert list(VARIABLES) == [field.name for field in fields(Settings) if field.metadata]


def test_each_line_of_the_example_file_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), f"{line} has no explanation above it"


def test_our_variables_begin_with_our_name_and_mlflows_keep_theirs() -> None:
    assert all(variable.startswith(("EXPCTL_", "MLFLOW_")) for variable in VARIABLES.values())
    from mlflow.environment_variables import MLFLOW_EXPERIMENT_NAME, MLFLOW_TRACKING_URI

    assert VARIABLES["tracking_uri"] == MLFLOW_TRACKING_URI.name
    assert VARIABLES["experiment"] == MLFLOW_EXPERIMENT_NAME.name


@pytest.mark.parametrize("wrong", ["-0.1", "nan", "inf", "half", "1%"])
def test_a_margin_that_is_no_amount_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().equal_within, Settings(margin="0.005").equal_within) == (0.0, 0.005)
    monkeypatch.setenv("EXPCTL_MARGIN", wrong)
    with pytest.raises(UsageError, match=f"EXPCTL_MARGIN '{wrong}' must be 0 or a positive number"):
        load_settings()


@pytest.mark.parametrize("wrong", ["never", "Escape", " keep"])
def test_a_value_that_is_none_of_those_allowed_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPCTL_CSV_FORMULAS", wrong)
    with pytest.raises(UsageError) as refused:
        load_settings()
    assert (refused.value.message, refused.value.hint) == (
        f"EXPCTL_CSV_FORMULAS is {wrong!r}",
        "use escape or keep",
    )
    assert refused.value.exit_code == ExitCode.USAGE


def test_variables_of_mlflow_and_others_reach_the_environment_without_overriding_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "exported")
    (tmp_path / ".env").write_text("MLFLOW_TRACKING_USERNAME=ann\nAWS_ACCESS_KEY_ID=of the file\n")
    load_settings()
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "ann"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "exported"


def test_an_env_file_of_a_folder_above_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(experiment="above")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert load_settings().experiment == "expctl"


def test_an_env_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"EXPCTL_DEVELOPER=Jos\xe9\n")
    with pytest.raises(UsageError, match=r"cannot read \.env: "):
        load_settings()


def test_a_folder_called_env_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load_settings() == Settings()


def test_nothing_is_read_at_import(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EXPCTL_CSV_FORMULAS=wrong\nMARK=1\n")
    code = "import os, sys, expctl.cli.app, expctl.settings; print('MARK' in os.environ, 'dotenv' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "False False\n"
