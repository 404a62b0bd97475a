"""What a program learns of the command line is what a person is told: every option, kind, default and exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer.main

from expctl import docs
from expctl.cli.app import app_with, command_entries
from expctl.cli.reference import reference
from expctl.errors import MEANINGS
from expctl.recipe import OPTIONS
from expctl.render.formats import FORMATS
from expctl.training.models.families import FAMILIES

REFERENCE = json.loads(json.dumps(reference(command_entries())))
COMMANDS: dict[str, Any] = typer.main.get_command(app_with(command_entries())).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_there_as_it_is_typed(name: str) -> None:
    told = REFERENCE["commands"][name]
    options = [one for one in COMMANDS[name].params if one.param_type_name == "option"]
    spelled = {frozenset((*one.opts, *one.secondary_opts)) for one in options}
    assert {frozenset((*one["spellings"], *one["off"])) for one in told["options"].values()} == spelled
    assert all(key == one["spellings"][0] and key.startswith("--") for key, one in told["options"].items())
    arguments = [one.name for one in COMMANDS[name].params if one.param_type_name == "argument"]
    assert list(told["arguments"]) == arguments
    for param in COMMANDS[name].params:
        one = told["arguments"].get(param.name) or next(
            one for one in told["options"].values() if one["spellings"][0] in param.opts
        )
        repeatable = bool(getattr(param, "multiple", False)) or param.nargs == -1
        assert (one["required"], one["repeatable"]) == (param.required, repeatable), param.name
        assert one["kind"] == "flag" or not getattr(param, "is_flag", False), param.name
        assert one["help"]


def test_kinds_defaults_limits_and_choices_are_those_of_the_tables() -> None:
    train, listed = REFERENCE["commands"]["train"]["options"], REFERENCE["commands"]["list"]["options"]
    limit = listed["--limit"]
    assert (limit["kind"], limit["default"], limit["minimum"], limit["spellings"]) == (
        "integer",
        20,
        0,
        ["--limit", "-n"],
    )
    assert (listed["--since"]["kind"], listed["--since"]["metavar"]) == ("text", "AGE")
    share = train["--test-size"]
    assert (share["kind"], share["default"], share["range"]) == ("number", 0.2, "a number above 0 below 1")
    assert train["--stratify"]["off"] == ["--no-stratify"]
    assert {one.flag for one in OPTIONS.values()} <= set(train)
    assert REFERENCE["commands"]["show"]["options"]["--format"]["choices"] == list(FORMATS)
    assert "id" not in REFERENCE["commands"]["experiments"]["options"]["--format"]["choices"]
    assert REFERENCE["commands"]["show"]["arguments"]["run"]["required"]
    c = REFERENCE["models"]["logreg"]["parameters"]["c"]
    assert (c["kind"], c["default"], c["range"]) == ("number", 1.0, "a number above 0")


def test_exit_codes_models_metrics_topics_and_groups_are_there() -> None:
    assert REFERENCE["exit_codes"] == {str(code.value): meaning for code, meaning in MEANINGS.items()}
    assert list(REFERENCE["models"]) == list(FAMILIES)
    assert list(REFERENCE["topics"]) == docs.names()
    assert all(one["group"] and one["help"].endswith(".") for one in REFERENCE["commands"].values())
    assert {name: one["topic"] for name, one in REFERENCE["commands"].items()} == {
        entry.name: entry.topic for entry in command_entries()
    }


def test_it_is_printed_whole_or_for_one_command(cli: Any) -> None:
    done = cli("help", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == REFERENCE
    one = json.loads(cli("help", "gate", "--format", "json").stdout)
    assert one == {**REFERENCE, "commands": {"gate": REFERENCE["commands"]["gate"]}}
    wrong = cli("help", "gat", "--format", "json")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr == "expctl: no command 'gat', did you mean 'gate'? (try: expctl help --format json)\n"
    assert cli("help", "--format", "csv").exit_code == 2
