"""A recipe written down, as JSON or as a command line, is the same recipe when it is read again."""

from __future__ import annotations

import json
import math
import shlex
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.parameters import Options, Parameter, Pattern, WordFile
from expctl.recipe import LATER_PARAMETERS, Recipe
from expctl.training.models.configure import configure, defaults, recorded
from expctl.training.models.families import families_of, parameters_of

FAMILIES = families_of()  # of texts

WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
NUMBER = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.none() | st.booleans() | NUMBER | WORD


def values_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    choices: list[st.SearchStrategy[Any]] = []
    for domain in parameter.domains:
        if isinstance(domain, Options):
            choices.append(st.sampled_from(domain.values))
        elif isinstance(domain, Pattern):
            choices.append(st.sampled_from([r"\w+", r"[^ ]+"]))
        elif isinstance(domain, WordFile):
            choices.append(st.just("words.txt"))
        elif domain.type is int:
            choices.append(st.integers(int(domain.low or 0), 10**6))
        else:
            ends = {
                "exclude_min": domain.closed in ("right", "neither"),
                "exclude_max": domain.closed in ("left", "neither"),
            }
            low, high = domain.low, 1e6 if domain.high is None else domain.high
            choices.append(st.floats(-1e6 if low is None else low, high, **ends))
    return st.one_of(choices)


@st.composite
def given_values(draw: st.DrawFn) -> dict[str, Any]:
    """Anything that `configure` takes, typed."""
    model = draw(st.sampled_from([*FAMILIES, "package.module:make"]))
    texts = draw(st.fixed_dictionaries({"data": WORD}, optional={"encoding": WORD}))
    columns = draw(st.fixed_dictionaries({}, optional={"text_column": WORD, "target": WORD}))
    if columns.get("text_column", "text") == columns.get("target", "label"):
        columns = {}
    numbers = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "random_state": st.integers(0, 2**32 - 1),
                "stratify": st.booleans(),
                "dedupe": st.booleans(),
                "cv": st.integers(2, 99),
            },
        )
    )
    share = st.floats(0, 1, exclude_min=True, exclude_max=True)
    tests = st.one_of(
        st.just({}),
        *(st.fixed_dictionaries({key: WORD}) for key in ("test_data", "split_column")),
        st.fixed_dictionaries({"test_size": share}),
    )
    if model in FAMILIES:
        fixed = ("ngram_min", "max_df", "analyzer", "char_ngram_min", "char_ngram_max")
        free = {k: values_of(p) for k, p in parameters_of(model).items() if k not in fixed}
        parameters = draw(st.fixed_dictionaries({}, optional=free))
        if isinstance(parameters.get("min_df"), int):
            parameters["max_df"] = parameters["min_df"]
    else:
        parameters = draw(st.dictionaries(st.from_regex(r"[a-z_]{1,9}x", fullmatch=True), VALUE, max_size=4))
    return {**texts, **columns, **numbers, **draw(tests), "model": model, **parameters}


def read_command(line: str) -> Recipe:
    """What `expctl train` makes of its command line, without Typer."""
    words = shlex.split(line)
    assert words[:2] == ["expctl", "train"]
    found: dict[str, Any] = {}
    rest = iter(words[2:])
    for word in rest:
        if word == "-p":
            key, _, value = next(rest).partition("=")
            found[key] = value
        elif word == "--no-stratify":
            found["stratify"] = False
        elif word == "--dedupe":
            found["dedupe"] = True
        else:
            found[word.removeprefix("--").replace("-", "_")] = next(rest)
    return configure(found)


def exactly(recipe: Recipe) -> tuple[Any, ...]:
    """All of a recipe with the types of its parameters: 1 and 1.0 are two values of min_df."""
    return (recipe, {key: type(value) for key, value in recipe.parameters.items()})


@given(given_values())
def test_json_gives_the_same_recipe_back(values: dict[str, Any]) -> None:
    recipe = configure(values)
    again = recorded(recipe.to_json())
    assert exactly(again) == exactly(recipe)
    assert again.to_json() == recipe.to_json()


@given(given_values())
def test_the_command_gives_the_same_recipe_back(values: dict[str, Any]) -> None:
    recipe = configure(values)
    assert exactly(read_command(recipe.command(defaults(recipe.model)))) == exactly(recipe)


@pytest.mark.parametrize("model", FAMILIES)
def test_the_command_of_a_default_recipe_names_the_data_and_the_model_alone(model: str) -> None:
    command = configure({"data": "a.csv", "model": model}).command(defaults(model))
    assert command == "expctl train --data a.csv" + ("" if model == "logreg" else f" --model {model}")


def test_the_command_tells_what_differs_and_quotes_what_a_shell_would_read() -> None:
    recipe = configure(
        {
            "data": "my reviews.csv", "split_column": "$(rm -rf ~)", "cv": 5, "stratify": False, "random_state": 7,
            "c": 0.1, "max_features": None, "lowercase": False,
        }
    )  # fmt: skip
    assert recipe.command(defaults("logreg")) == (
        "expctl train --data 'my reviews.csv' --split-column '$(rm -rf ~)' --random-state 7 --cv 5 --no-stratify"
        " --max-features none -p lowercase=False --c 0.1"
    )


@pytest.mark.parametrize(("key", "value"), [("max_df", 1), ("min_df", 1.0)])
def test_a_count_is_not_taken_for_the_share_of_the_same_number(key: str, value: float) -> None:
    command = configure({"data": "a.csv", key: value}).command(defaults("logreg"))
    assert command == f"expctl train --data a.csv -p {key}={value}"


def test_a_parameter_whose_default_changed_since_is_written() -> None:
    recipe = configure({"data": "a.csv"})
    assert recipe.command({**defaults("logreg"), "c": 2.0}) == "expctl train --data a.csv --c 1"
    without = {key: value for key, value in defaults("logreg").items() if key != "tol"}
    assert recipe.command(without) == "expctl train --data a.csv -p tol=0.0001"


def test_the_command_is_understood_by_the_command_line_itself(cli: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Recipe] = []

    def stop(recipe: Recipe, **_: object) -> None:
        asked.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr("expctl.training.data.dataset.load_split", stop)
    recipe = configure(
        {
            "data": "-odd name.csv", "text_column": "a=b", "target": "--label", "test_size": 0.25, "cv": 3,
            "stratify": False, "encoding": "latin-1", "random_state": 0, "model": "sgd", "loss": "log_loss",
            "max_features": None, "average": True, "min_df": 1.0, "penalty": None,
        }
    )  # fmt: skip
    cli(*shlex.split(recipe.command(defaults("sgd")))[1:])
    assert list(map(exactly, asked)) == [exactly(recipe)]


def test_a_recipe_from_before_there_was_dedupe_is_read_and_written_as_it_was() -> None:
    recipe = configure({"data": "a.csv"})
    assert "dedupe" not in json.loads(recipe.to_json())  # a sweep begun then is resumed: its trials are known by it
    assert Recipe.from_json(recipe.to_json()).dedupe is False
    assert json.loads(configure({"data": "a.csv", "dedupe": "true"}).to_json())["dedupe"] is True


def test_equal_recipes_have_equal_text_whatever_the_order_they_were_given_in() -> None:
    one = Recipe("a.csv", parameters={"c": 1.0, "max_features": 5})
    other = Recipe("a.csv", parameters={"max_features": 5, "c": 1.0})
    assert one == other
    assert one.to_json() == other.to_json()
    assert "\n" not in one.to_json()


@pytest.mark.parametrize("text", ["", "null", "[]", "1", "{", '{"text_column": "text"}', '{"data": "a", "colour": 1}'])
def test_json_that_is_no_recipe_is_an_error_that_callers_expect(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Recipe.from_json(text)


def test_every_choice_is_logged_under_its_own_name_and_nothing_that_was_not_made() -> None:
    recipe = configure({"data": "a.csv", "test_data": "b.csv"})
    logged = recipe.logged()
    assert logged == {
        "data_path": "a.csv", "text_column": "text", "target": "label", "encoding": "utf-8",
        "test_data": "b.csv", "stratify": True, "dedupe": False, "random_state": 42, "model": "logreg",
        **{key: value for key, value in defaults("logreg").items() if key not in LATER_PARAMETERS},
    }  # fmt: skip
    assert configure({"data": "a.csv"}).logged()["test_size"] == 0.2


def test_no_parameter_of_a_family_hides_a_field_when_logged() -> None:
    names = {field.name for field in fields(Recipe)} | {"data_path", "data_hash", "data_fingerprint", "dataset_size"}
    for model in FAMILIES:
        assert not names & set(defaults(model))


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Recipe("a.csv").data = "b.csv"  # type: ignore[misc]
    assert replace(Recipe("a.csv"), cv=3).cv == 3


def test_json_is_json_even_for_odd_numbers() -> None:
    recipe = configure({"data": "a.csv", "model": "m:f", "x": 1e300, "y": -0.0, "z": "NaN"})
    parsed = json.loads(recipe.to_json(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert parsed["parameters"] == {"x": 1e300, "y": 0.0, "z": "NaN"}
    assert math.copysign(1, Recipe.from_json(recipe.to_json()).parameters["y"]) == -1  # type: ignore[arg-type]


def test_a_recipe_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from expctl.training.models.configure import configure, defaults, recorded\n"
        "r = configure({'data': 'a.csv', 'c': 0.1, 'min_df': 2}); print(r.to_json(), r.command(defaults('logreg')))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_a_recipe_is_written_as_people_read_it():
    assert '"data": "日本/é.csv"' in Recipe(data="日本/é.csv").to_json()
