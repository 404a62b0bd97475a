"""SPACE as it is written: what each text means, what is refused and in which words, and the recipes of its points."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from expctl.errors import UsageError
from expctl.parameters import Interval, Options, Parameter, Pattern, WordFile
from expctl.training.models.families import families_of, parameters_of
from expctl.training.models.features import FEATURES
from expctl.training.search.space import Axis, read_space

FAMILIES = families_of()  # of texts

DATA = {"data": "x.csv"}
FORMS = "VALUES as 0.1,1,10, or LOW..HIGH, LOW..HIGH..STEP, log:1e-4..1e2"
OF_ALL = ("test_size", "stratify", "random_state", "calibrate")
OWN = {**FEATURES, **FAMILIES["logreg"].by_key}


def axis_of(key: str, text: str, **given: object) -> Axis:
    (axis,) = read_space({key: text}, {**DATA, **given}).axes
    return axis


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("c", "0.1,1,10", (0.1, 1.0, 10.0)),
        ("c", "10, 0.1 ,1", (0.1, 1.0, 10.0)),
        ("c", "5", (5.0,)),
        ("c", "1,1.0,1e0,2,2", (1.0, 2.0)),
        ("max_features", "100,none,10", (100, None, 10)),
        ("max_features", "3..6", (3, 4, 5, 6)),
        ("max_features", "1..9..2", (1, 3, 5, 7, 9)),
        ("max_features", "1..8..3", (1, 4, 7)),
        ("max_features", "2..3..5", (2,)),
        ("max_features", "log:8..11", (8, 9, 10, 11)),
        ("c", "0.1..0.5..0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("c", "1..2..0.25", (1.0, 1.25, 1.5, 1.75, 2.0)),
        ("c", "1e-3..3e-3..1e-3", (0.001, 0.002, 0.003)),
        ("sublinear_tf", "true,False,TRUE", (True, False)),
        ("solver", "saga,lbfgs,saga", ("saga", "lbfgs")),
        ("min_df", "2,0.5", (0.5, 2)),
        ("stop_words", "none,english", (None, "english")),
        ("random_state", "0..2", (0, 1, 2)),
        ("stratify", "true,false", (True, False)),
        ("test_size", "0.2,0.1", (0.1, 0.2)),
    ],
)
def test_a_space_means_these_values(key, text, values):
    axis = axis_of(key, text)
    assert [(type(one), one) for one in axis.values] == [(type(one), one) for one in values]


def test_one_row_and_the_whole_share_are_two_values():
    assert list(map(repr, axis_of("max_df", "1,1.0").values)) == ["1", "1.0"]


def test_values_that_are_all_numbers_are_ordered_and_others_are_not():
    assert axis_of("c", "2,1").ordered
    assert not axis_of("max_features", "10,none").ordered
    assert not axis_of("sublinear_tf", "true,false").ordered


@pytest.mark.parametrize(
    ("text", "low", "high", "log"), [("0.5..2", 0.5, 2.0, False), ("log:1e-4..1e2", 1e-4, 1e2, True)]
)
def test_a_range_of_reals_has_ends_and_no_list(text, low, high, log):
    axis = axis_of("c", text)
    assert (axis.values, axis.low, axis.high, axis.log) == (None, low, high, log)


def test_a_range_of_integers_by_their_ratio_keeps_its_integers():
    axis = axis_of("max_features", "log:10..1000")
    assert axis.log
    assert axis.values == range(10, 1001)


ERRORS = {
    "nothing": ({}, {}, "a sweep needs something to vary", "for example -g c=0.1,1,10"),
    "no value": ({"c": ""}, {}, "-g c=: a value is missing", FORMS),
    "only a comma": ({"c": ","}, {}, "-g c=,: a value is missing", FORMS),
    "a hole": ({"c": "1,,2"}, {}, "-g c=1,,2: a value is missing", FORMS),
    "no high end": ({"c": "1.."}, {}, "-g c=1..: a range is LOW..HIGH or LOW..HIGH..STEP", FORMS),
    "no low end": ({"c": "..1"}, {}, "-g c=..1: a range is LOW..HIGH or LOW..HIGH..STEP", FORMS),
    "four ends": ({"c": "1..2..3..4"}, {}, "-g c=1..2..3..4: a range is LOW..HIGH or LOW..HIGH..STEP", FORMS),
    "reversed": ({"c": "2..1"}, {}, "-g c=2..1: its bounds are reversed", FORMS),
    "reversed log": ({"c": "log:2..1"}, {}, "-g c=log:2..1: its bounds are reversed", FORMS),
    "reversed steps": ({"c": "2..1..0.1"}, {}, "-g c=2..1..0.1: its bounds are reversed", FORMS),
    "empty": ({"c": "1..1.0"}, {}, "-g c=1..1.0: it is empty", FORMS),
    "log of 0": (
        {"alpha": "log:0..1"},
        {"model": "ridge"},
        "-g alpha=log:0..1: a logarithm needs numbers above 0",
        FORMS,
    ),
    "log without range": ({"c": "log:1,2"}, {}, "-g c=log:1,2: log: needs a range", FORMS),
    "log with step": ({"c": "log:1..10..2"}, {}, "-g c=log:1..10..2: log: takes no step", FORMS),
    "step 0": ({"c": "1..2..0"}, {}, "-g c=1..2..0: its step must be above 0", FORMS),
    "step below 0": ({"c": "1..2..-1"}, {}, "-g c=1..2..-1: its step must be above 0", FORMS),
    "step nan": ({"c": "1..2..nan"}, {}, "-g c=1..2..nan: its step must be above 0", FORMS),
    "step infinite": ({"c": "1..2..inf"}, {}, "-g c=1..2..inf: its step must be above 0", FORMS),
    "step a word": ({"c": "1..2..x"}, {}, "-g c=1..2..x: its step 'x' is not a number", FORMS),
    "10^9 steps": ({"c": "1..2..1e-9"}, {}, "-g c=1..2..1e-9: it holds more than 10,000 values", FORMS),
    "words as ends": (
        {"solver": "lbfgs..saga"},
        {},
        "solver must be one of lbfgs, liblinear, newton-cg, newton-cholesky, sag, saga; 'lbfgs..saga' is not",
        None,
    ),
    "truth values as ends": (
        {"dual": "false..true"},
        {},
        "dual must be one of true, false; 'false..true' is not",
        None,
    ),
    "rows to share": (
        {"min_df": "1..0.5"},
        {},
        "-g min_df=1..0.5: 1 and 0.5 differ in type: write both as integers or both as reals",
        FORMS,
    ),
    "one bad value among good": ({"c": "0.1,-1,10"}, {}, "c must be a number above 0; '-1' is not", None),
    "a word among numbers": ({"c": "0.1,ten"}, {}, "c must be a number above 0; 'ten' is not", None),
    "nan": ({"c": "1,nan"}, {}, "c must be a number above 0; 'nan' is not", None),
    "infinity": ({"c": "1..inf"}, {}, "c must be a number above 0; 'inf' is not", None),
    "end out of range": ({"c": "0..1"}, {}, "c must be a number above 0; '0' is not", None),
    "unknown word": (
        {"criterion": "gini,ginny"},
        {"model": "random_forest"},
        "criterion must be one of gini, entropy, log_loss; 'ginny' is not",
        None,
    ),
    "fixed and varied": ({"c": "1,2"}, {"c": "3"}, "c is both fixed and varied with -g", "give it once"),
    "of no trial's model": (
        {"ridge.alpha": "1,2"},
        {},
        "-g ridge.alpha: no trial has the model 'ridge'",
        "-g model=logreg,ridge",
    ),
    "lacked by one model": (
        {"model": "logreg,naive_bayes", "c": "1,2"},
        {},
        "-g c: naive_bayes has no parameter 'c'",
        "-g logreg.c=... is for logreg alone",
    ),
    "lacked by the first model": (
        {"model": "logreg,naive_bayes", "alpha": "1,2"},
        {},
        "-g alpha: logreg has no parameter 'alpha'",
        "-g naive_bayes.alpha=... is for naive_bayes alone",
    ),
    "lacked by the named family": (
        {"model": "naive_bayes,ridge", "naive_bayes.solver": "lsqr"},
        {},
        "-g naive_bayes.solver: naive_bayes has no parameter 'solver'",
        f"it has {', '.join([*FEATURES, *FAMILIES['naive_bayes'].by_key, *OF_ALL])}",
    ),
    "fixed and lacked by one model": (
        {"model": "logreg,naive_bayes"},
        {"solver": "saga"},
        "-p solver: naive_bayes has no parameter 'solver'",
        "-p logreg.solver=... is for logreg alone",
    ),
    "fixed and lacked by the only model": (
        {"max_features": "1,2"},
        {"max_itr": "5"},
        "-p max_itr: logreg has no parameter 'max_itr', did you mean 'max_iter'?",
        f"it has {', '.join([*OWN, *OF_ALL])}",
    ),
    "data": ({"data": "a.csv,b.csv"}, {}, "-g data: all trials of a sweep have the same data", "--data"),
    "test data": ({"test_data": "a.csv"}, {}, "-g test_data: all trials of a sweep have the same test_data",
                  "--test-data"),
    "folds": ({"cv": "3,5"}, {}, "-g cv: all trials of a sweep have the same cv", "--cv"),
    "text column": ({"text_column": "a,b"}, {}, "-g text_column: all trials of a sweep have the same text_column",
                    "--text-column"),
    "unknown key": (
        {"max_featurs": "10"},
        {},
        "-g max_featurs: logreg has no parameter 'max_featurs', did you mean 'max_features'?",
        f"it has {', '.join([*OWN, *OF_ALL])}",
    ),
    "unknown model": (
        {"model": "logreg,ridg"},
        {},
        "unknown model 'ridg' of texts, did you mean 'ridge'?",
        f"use {', '.join(FAMILIES)}, or package.module:factory",
    ),
    "a key that families read otherwise": (
        {"model": "naive_bayes,complement_nb", "norm": "l1"}, {},
        "-g norm: norm must be one of true, false; 'l1' is not", "write it as FAMILY.norm, for each model",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "given", "message", "hint"), ERRORS.values(), ids=ERRORS)
def test_a_wrong_space_is_told_with_what_to_write_instead(texts, given, message, hint):
    with pytest.raises(UsageError) as caught:
        read_space(texts, {**DATA, **given})
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize("step", ["1e-5000", "1e-99999999"])
def test_a_step_next_to_nothing_is_told_too(step):
    with pytest.raises(UsageError):
        read_space({"c": f"1..2..{step}"}, DATA)


@pytest.mark.parametrize("text", ["1..4000000000", "log:1..4000000000"])
def test_a_range_of_integers_may_be_of_any_length(text):
    """No list is made of it; what a grid cannot try it refuses itself."""
    space = read_space({"max_features": text}, DATA)
    assert space.axes[0].values == range(1, 4_000_000_001)
    with pytest.raises(UsageError, match="the grid has 4,000,000,000 combinations, more than 10,000"):
        space.grid()


@pytest.mark.parametrize(("step", "count"), [("0.0001", 10_001), ("0.0002", 5_001)])
def test_steps_are_listed_up_to_the_size_of_a_grid(step, count):
    assert len(read_space({"c": f"1..2..{step}"}, DATA).axes[0].values) == count


def test_one_step_more_is_too_many():
    with pytest.raises(UsageError, match="it holds more than 10,000 values"):
        read_space({"c": "1..2.0001..0.0001"}, DATA)


def test_a_step_that_leaves_the_integers_is_refused():
    with pytest.raises(UsageError, match="max_features must be an integer from 1 or none"):
        read_space({"max_features": "1..3..0.5"}, DATA)


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (
            {"c": "1..2"},
            "-g c=1..2 is infinite, and a grid tries every value",
            "list some, give a step (1..2..STEP), or --sampler tpe",
        ),
        (
            {"max_features": "1,2", "c": "log:1e-4..1"},
            "-g c=log:1e-4..1 is infinite, and a grid tries every value",
            "list some, give a step (1e-4..1..STEP), or --sampler tpe",
        ),
        (
            {"max_features": "1..1000", "max_iter": "1..100", "ngram_max": "1..100"},
            "the grid has 10,000,000 combinations, more than 10,000",
            "--sampler random --trials 100",
        ),
        (
            {"max_features": "1..10001"},
            "the grid has 10,001 combinations, more than 10,000",
            "--sampler random --trials 100",
        ),
    ],
)
def test_a_grid_without_end_is_refused_before_its_first_point(texts, message, hint):
    with pytest.raises(UsageError) as caught:
        read_space(texts, DATA).grid()
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_grid_of_ten_thousand_is_taken():
    assert len(list(read_space({"max_features": "1..100", "max_iter": "1..100"}, DATA).grid())) == 10_000


def test_a_grid_goes_model_by_model_with_the_last_axis_changing_fastest():
    texts = {"max_features": "10,20", "model": "naive_bayes,logreg", "logreg.c": "1,2"}
    assert [list(point.items()) for point in read_space(texts, DATA).grid()] == [
        [("model", "naive_bayes"), ("max_features", 10)],
        [("model", "naive_bayes"), ("max_features", 20)],
        [("model", "logreg"), ("max_features", 10), ("logreg.c", 1.0)],
        [("model", "logreg"), ("max_features", 10), ("logreg.c", 2.0)],
        [("model", "logreg"), ("max_features", 20), ("logreg.c", 1.0)],
        [("model", "logreg"), ("max_features", 20), ("logreg.c", 2.0)],
    ]


def test_a_point_becomes_the_recipe_of_the_same_words_for_train():
    space = read_space({"c": "0.5", "random_state": "7"}, {**DATA, "max_features": "20", "test_size": "0.3"})
    (point,) = space.grid()
    recipe = space.at(point)
    assert (recipe.parameters["c"], recipe.random_state) == (0.5, 7)
    assert (recipe.parameters["max_features"], recipe.test_size) == (20, 0.3)


def test_what_is_one_family_s_own_reaches_no_other():
    space = read_space(
        {"model": "naive_bayes,logreg", "naive_bayes.alpha": "0.5", "logreg.max_features": "10"},
        {**DATA, "logreg.c": "3", "naive_bayes.fit_prior": "false"},
    )
    bayes, logreg = (space.at(point) for point in space.grid())
    assert (bayes.parameters["alpha"], bayes.parameters["fit_prior"]) == (0.5, False)
    assert bayes.parameters["max_features"] == 5000
    assert (logreg.parameters["c"], logreg.parameters["max_features"]) == (3.0, 10)


def test_points_that_contradict_themselves_are_no_recipe():
    space = read_space({"ngram_min": "1,2", "ngram_max": "1,2"}, DATA)
    assert space.at({"ngram_min": 2, "ngram_max": 2}).parameters["ngram_min"] == 2
    with pytest.raises(UsageError, match="ngram_min 2 is above ngram_max 1"):
        space.at({"ngram_min": 2, "ngram_max": 1})


def test_the_sampler_s_seed_is_the_trials_random_state_unless_that_is_varied():
    assert read_space({"c": "1"}, {**DATA, "random_state": "7"}).seed == 7
    assert read_space({"random_state": "1,2"}, DATA).seed == 42


def test_a_factory_s_parameters_are_read_as_what_they_look_like():
    texts = {"alpha": "1,0.5", "how": "fast,none,true", "n": "1..3", "x": "0.5..1.0"}
    axes = read_space(texts, {**DATA, "model": "own.models:make"}).axes
    assert [axis.values for axis in axes] == [(0.5, 1), ("fast", None, True), range(1, 4), None]


def test_beside_a_factory_the_other_models_still_check_the_key():
    with pytest.raises(UsageError, match="-g depth: logreg has no parameter 'depth'"):
        read_space({"model": "own:make,logreg", "depth": "1,2"}, DATA)


def test_the_random_state_of_a_factory_s_trials_is_checked():
    with pytest.raises(UsageError, match="random_state must be an integer"):
        read_space({"random_state": "1,x"}, {**DATA, "model": "own:make"})


def test_a_parameter_of_a_factory_without_a_package_may_be_its_own():
    texts = {"model": "own:make,logreg", "own:make.depth": "1,2"}
    assert [axis.family for axis in read_space(texts, DATA).axes] == [None, "own:make"]


def test_a_parameter_of_a_factory_in_a_package_may_be_its_own():
    texts = {"model": "pkg.own:make,logreg", "pkg.own:make.depth": "1,2"}
    space = read_space(texts, {**DATA, "pkg.own:make.seed": "7"})
    assert [axis.family for axis in space.axes] == [None, "pkg.own:make"]
    first, _, last = (space.at(point) for point in space.grid())
    assert (first.parameters, last.model) == ({"depth": 1, "seed": 7}, "logreg")


def test_a_fixed_parameter_may_be_one_family_s_own():
    space = read_space({"model": "logreg,naive_bayes"}, {**DATA, "logreg.solver": "saga"})
    logreg, bayes = (space.at(point) for point in space.grid())
    assert (logreg.parameters["solver"], "solver" in bayes.parameters) == ("saga", False)


EDGES = [
    ("c", "0.1,1,10", 0.1, "lowest"),
    ("c", "0.1,1,10", 1.0, None),
    ("c", "0.1,1,10", 10.0, "highest"),
    ("c", "0.1,10", 10.0, None),  # two values have no middle
    ("max_features", "10,none,20", 10, None),  # no order
    ("solver", "lbfgs,liblinear,saga", "saga", None),
    ("sublinear_tf", "true,false", True, None),
    ("ngram_max", "1..3", 1, None),  # nothing is shorter than 1
    ("ngram_max", "1..3", 3, "highest"),
    ("l1_ratio", "0,0.5,1", 0.0, None),
    ("l1_ratio", "0,0.5,1", 1.0, None),
    ("l1_ratio", "0.1,0.5,0.9", 0.9, "highest"),
    ("max_df", "0.5,0.8,1.0", 1.0, None),
    ("max_df", "0.5,0.8,1.0", 0.5, "lowest"),
    ("random_state", "0..4294967295..1000000", 0, None),
    ("c", "1..101", 2.9, "lowest"),
    ("c", "1..101", 3.1, None),
    ("c", "1..101", 99.1, "highest"),
    ("c", "1..101", 98.9, None),
    ("c", "log:1e-2..1e2", 0.011, "lowest"),
    ("c", "log:1e-2..1e2", 0.02, None),
    ("c", "log:1e-2..1e2", 91.0, "highest"),
    ("c", "log:1e-2..1e2", 50.0, None),
    ("tol", "1e-5,1e-4,1e-3", 1e-5, "lowest"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text", "value", "side"), EDGES)
def test_a_value_is_on_the_edge_if_something_lies_beyond(key, text, value, side):
    assert axis_of(key, text).edge(value) == side


def test_the_edge_of_a_factory_s_parameter_always_goes_on():
    assert axis_of("n", "0..2", model="own:make").edge(0) == "lowest"


def written(parameter: Parameter, values: list[object]) -> str:
    return ",".join("none" if value is None else str(value) for value in values)


def values_of(parameter: Parameter) -> st.SearchStrategy[object]:
    """Values that a parameter takes."""
    kinds = []
    for domain in parameter.domains:
        if isinstance(domain, Options):
            kinds.append(st.sampled_from(domain.values))
        elif isinstance(domain, Pattern):
            kinds.append(st.sampled_from([r"\w+", r"\b..+\b", "[^ ]+"]))
        elif isinstance(domain, WordFile):
            kinds.append(st.sampled_from(["words.txt", "../of/Words.TXT"]))
        else:
            kinds.append(inside(domain))
    return st.one_of(kinds)


def inside(interval: Interval) -> st.SearchStrategy[object]:
    low = -1e9 if interval.low is None else interval.low
    high = 1e9 if interval.high is None else interval.high
    if interval.type is int:
        return st.integers(int(low), int(high))
    return st.floats(
        low,
        high,
        exclude_min=interval.closed in ("right", "neither"),
        exclude_max=interval.closed in ("left", "neither"),
    )


@st.composite
def listed(draw: st.DrawFn) -> tuple[str, str, list[object]]:
    """A model's parameter and a list of its values."""
    model = draw(st.sampled_from(list(FAMILIES)))
    parameters = parameters_of(model)
    key = draw(st.sampled_from(list(parameters)))
    return model, key, draw(st.lists(values_of(parameters[key]), min_size=1, max_size=6))


@given(listed())
def test_a_space_written_from_values_reads_back_as_these_values(drawn):
    model, key, values = drawn
    parameter = parameters_of(model)[key]
    axis = axis_of(key, written(parameter, values), model=model)
    assert {(type(one), one) for one in axis.values} == {(type(one), one) for one in values}
    assert len(axis.values) == len({(type(one), one) for one in values})


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 60), st.integers(0, 3))
def test_steps_are_the_decimals_that_one_writes(low, span, step, digits):
    """As integers divided once at the end: what adding floats up would miss in the last bit."""
    scale = 10**digits
    axis = axis_of("c", f"{low / scale!r}..{(low + span) / scale!r}..{step / scale!r}")
    assert axis.values == tuple(number / scale for number in range(low, low + span + 1, step))


@st.composite
def spaces(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, object]]:
    """A space of one or two models over shared parameters and their own."""
    models = draw(st.lists(st.sampled_from(list(FAMILIES)), min_size=1, max_size=2, unique=True))
    texts = {"model": ",".join(models)}
    keys = draw(st.lists(st.sampled_from([key for key in FEATURES if key != "norm"]), max_size=3, unique=True))
    for key in keys:
        values = draw(st.lists(values_of(FEATURES[key]), min_size=1, max_size=3))
        texts[key] = written(FEATURES[key], values)
    for model in models:
        own = draw(st.sampled_from(FAMILIES[model].parameters))
        texts[f"{model}.{own.key}"] = written(own, draw(st.lists(values_of(own), min_size=1, max_size=3)))
    return texts, dict(DATA)


@given(spaces())
def test_the_size_of_a_grid_is_the_number_of_its_points_which_all_differ(drawn):
    space = read_space(*drawn)
    points = list(space.grid())
    assert len(points) == space.size
    distinct = {tuple((key, type(value), value) for key, value in point.items()) for point in points}
    assert len(distinct) == len(points)


def contradictory(point: dict[str, object]) -> bool:
    """Whether feature parameters of a point exclude each other; what it leaves open has its default."""
    has = {key: parameter.default for key, parameter in FEATURES.items()} | point
    return (
        has["ngram_min"] > has["ngram_max"]
        or (type(has["min_df"]) is type(has["max_df"]) and has["min_df"] > has["max_df"])
        or has["char_ngram_min"] > has["char_ngram_max"]
        or (has["stop_words"] is not None and "word" not in has["analyzer"])
        or (has["token_pattern"] != FEATURES["token_pattern"].default and "word" not in has["analyzer"])
        or ((has["char_ngram_min"], has["char_ngram_max"]) != (3, 5) and has["analyzer"] != "word+char_wb")
    )


@given(spaces())
def test_every_point_of_a_grid_is_a_recipe_with_its_values_or_contradicts_itself(drawn):
    space = read_space(*drawn)
    for point in space.grid():
        if contradictory(point):
            with pytest.raises(UsageError, match=r"is above|needs analyzer=word"):
                space.at(point)
            continue
        recipe = space.at(point)
        assert recipe.model == point["model"]
        for key, value in point.items():
            own = key.removeprefix(f"{recipe.model}.")
            if own != "model":
                assert (type(recipe.parameters[own]), recipe.parameters[own]) == (type(value), value)


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_an_axis_of_reals_has_no_size(low, high):
    assume(low < high)
    assert math.isinf(read_space({"c": f"{low!r}..{high!r}", "max_features": "1..3"}, DATA).size)


def test_what_all_trials_of_an_older_sweep_have_is_known_under_its_present_name() -> None:
    space = read_space({"c": "1,2"}, {"data": "a.csv", "label_column": "y"})
    assert space.at({"c": 1.0}).target == "y"
