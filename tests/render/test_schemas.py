"""The JSON Schemas against what the commands really print, and against documents with a field too many.

The fixture `cli` validates what every test prints (tests/documents.py).
"""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from expctl.analysis.ranking import rank
from expctl.render.formats import as_json
from expctl.render.schemas import SCHEMAS, schema
from expctl.render.views import ranking_sheet, run_sheet, runs_sheet, trained_sheet
from tests.cli.commands.test_run import write_predictions
from tests.documents import faults
from tests.render.run_records import run


@pytest.mark.parametrize("command", SCHEMAS)
def test_a_schema_is_one_of_its_draft(command):
    Draft202012Validator.check_schema(schema(command))
    assert faults(command, {"version": 2, "kind": "x"})


COMMANDS = [
    "show strong", "show broken", "show mine", "compare weak strong", "compare weak strong --all --per-class",
    "compare weak strong bayes", "compare weak strong bayes mine", "compare weak strong bayes mine --per-class",
    "compare weak mine --all", "compare weak strong bayes mine --metric all", "gate strong --baseline weak",
    "gate weak --baseline strong --by label", "gate weak --baseline mine --metric mcc", "best --top 3", "list",
    "best --metric log_loss --top 4", "reproduce mine --trust --tolerance 0.1",
    "compare weak strong --flips 2", "compare weak strong --by label", "compare weak strong --code",
    "compare weak* strong*", "show strong --by label",  # whatever name chance gave to what reproduce made
]  # fmt: skip
HOUSES = [
    "show near", "show near --by town", "compare flat near", "compare flat close near quick",
    "compare close near --flips 2", "compare flat near --by town", "gate flat --baseline near --examples 3",
    "gate near --baseline flat --by town", "best --metric rmse --top 3", "list",
]  # fmt: skip


@pytest.mark.usefixtures("no_pictures")
def test_what_commands_print_is_as_their_schema_says_and_one_more_field_is_not(cli, runs):
    (runs / "left.json").write_text('{"val_loss": 0.5}')
    program = write_predictions(runs, "bayes") + "; cp left.json metrics.json"
    done = cli("run", "--name", "mine", "--predictions", "pred.csv", "-f", "json", "--", "sh", "-c", program)
    assert faults("run", json.loads(done.stdout)) == []
    for words in COMMANDS:
        command, *arguments = words.split()
        document = json.loads(cli(command, *arguments, "--format", "json").stdout)
        assert faults(command, document) == [], words
        assert faults(command, {**document, "forgotten": 1}) != [], words
        for key in {"metrics", "run", "broken", "slices"} & set(document):
            part = document[key]
            if isinstance(part, dict):
                inner = part if (command, key) == ("show", "run") else next(iter(part.values()))
                inner["forgotten"] = {}
                assert faults(command, document) != [], (words, key)
                del inner["forgotten"]


def test_what_commands_print_of_regressions_is_as_their_schema_says(cli, house_runs):
    for words in HOUSES:
        document = json.loads(cli(*words.split(), "--format", "json").stdout)  # `cli` validates
        assert faults(words.split()[0], {**document, "forgotten": 1}) != [], words


def test_values_that_are_no_numbers_are_words():
    nan = run(1, metrics={"loss": float("nan"), "gain": float("inf")})
    for command, sheet in (
        ("show", run_sheet(nan, command=None, artifacts=[("model", None), ("a.txt", 3)])),
        ("train", trained_sheet(nan)),
        ("list", runs_sheet([nan], columns=None, total=3)),
        ("best", ranking_sheet(rank([nan, run(2, metrics={"loss": 1.0})], "loss"))),
    ):
        assert faults(command, json.loads(as_json(sheet))) == []


def test_the_command_prints_it(cli):
    done = cli("help", "json", "--schema", "gate")
    assert json.loads(done.stdout) == schema("gate")
    assert cli("help", "--schema", "gate").stdout == done.stdout
    wrong = cli("help", "json", "--schema", "gat")
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        f"expctl: no schema of 'gat', did you mean 'gate'? (--schema {', '.join(SCHEMAS)})\n",
    )
    assert cli("help", "formats", "--schema", "gate").exit_code == 2
