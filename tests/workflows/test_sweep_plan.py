"""What was asked of a sweep survives the store, and makes the same sweep again."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.columns import by_kind
from expctl.errors import RunNotFound, UsageError
from expctl.records import RunRecord, Tag, tag_parts
from expctl.workflows.sweep_plan import Plan, check_same

PLAN = Plan({"c": "0.1,1"}, {"data": "x.csv", "max_features": 20}, "tpe", 30, "f1_score", 2, 3, "a" * 64, None)


def run_of(tags: dict[str, str]) -> RunRecord:
    return RunRecord("0123456789" + "0" * 22, "fine", "finished", "1", tags=tags)


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).filter(
    lambda text: "://" not in text
)
plans = st.builds(
    Plan,
    space=st.dictionaries(words, words, max_size=3),
    given=st.dictionaries(
        words, st.one_of(words, st.integers(), st.booleans(), st.floats(allow_nan=False)), max_size=3
    ),
    sampler=st.sampled_from(["grid", "tpe"]),
    trials=st.one_of(st.none(), st.integers(1, 9)),
    metric=words,
    window=st.integers(1, 9),
    keep_models=st.one_of(st.none(), st.integers(1, 9)),
    data_hash=words,
    test_data_hash=st.one_of(st.none(), words),
)


@given(plans)
def test_a_plan_reads_back_from_its_tag(plan):
    assert Plan.of(run_of({Tag.SWEEP: plan.to_json()})) == plan


@pytest.mark.parametrize("count", [3, 3000])
def test_the_columns_of_a_table_are_kept_in_their_order_and_on_no_command_line(count):
    columns = {f"c{i * 7919 % 9973}": "numeric" if i % 2 else "categorical" for i in range(count)}
    plan = replace(PLAN, given={"data": "x.csv", "task": "regression", "columns": by_kind(columns)})
    back = Plan.of(run_of(tag_parts(Tag.SWEEP, plan.to_json())))
    assert back == plan
    assert list(back.given["columns"]) == list(plan.given["columns"])
    assert "columns" not in back.command()


def test_the_axes_keep_their_order():
    """The grid goes by it: sorted, a resumed sweep would number its trials anew."""
    plan = replace(PLAN, space={"max_features": "1,2", "c": "1,2", "alpha": "3"})
    assert list(Plan.of(run_of({Tag.SWEEP: plan.to_json()})).space) == ["max_features", "c", "alpha"]


def test_no_secret_of_a_data_address_is_in_a_plan():
    text = replace(PLAN, given={"data": "https://ada:s3cr3t@data.invalid/x.csv?sig=s3cr3t"}).to_json()
    assert "s3cr3t" not in text


@pytest.mark.parametrize("tags", [{}, {Tag.SWEEP: "no json"}, {Tag.SWEEP: "{}"}, {Tag.SWEEP: "[1]"}], ids=str)
def test_a_run_that_is_no_sweep_says_so(tags):
    with pytest.raises(RunNotFound) as caught:
        Plan.of(run_of(tags))
    assert (caught.value.message, caught.value.hint) == ("run fine (01234567) is not a sweep", "expctl list")


def test_a_trial_given_as_a_sweep_names_its_sweep():
    with pytest.raises(RunNotFound) as caught:
        Plan.of(run_of({Tag.PARENT: "fedcba9876"}))
    assert caught.value.hint == "fedcba98 is the one it belongs to"


@pytest.mark.parametrize(
    ("given", "objective"),
    [({}, "f1_score"), ({"cv": "none"}, "f1_score"), ({"cv": None}, "f1_score"), ({"cv": 3}, "cv_f1_score_mean")],
)
def test_with_folds_their_mean_decides(given, objective):
    assert replace(PLAN, given=given).objective == objective


def test_the_command_writes_everything_that_was_asked():
    given = {"data": "my file.csv", "stratify": False, "cv": 3, "min_df": 2, "text_column": "text"}
    plan = replace(PLAN, space={"c": "0.1,1", "logreg.tol": "log:1e-4..1"}, given=given)
    assert plan.command() == (
        "expctl sweep -g c=0.1,1 -g logreg.tol=log:1e-4..1 --data 'my file.csv' --no-stratify --cv 3 -p min_df=2"
        " --text-column text --sampler tpe --trials 30 --metric f1_score --jobs 2 --keep-models 3"
    )


@pytest.mark.parametrize(("dedupe", "flag"), [(True, "--dedupe"), (False, "--no-dedupe")])
def test_the_command_says_whether_copies_stay_together(dedupe, flag):
    assert f" {flag} " in replace(PLAN, given={"data": "x.csv", "dedupe": dedupe}).command()


def test_the_command_leaves_out_what_was_not_asked():
    plan = replace(PLAN, trials=None, keep_models=None, given={"data": "x.csv"}, sampler="grid")
    assert plan.command() == "expctl sweep -g c=0.1,1 --data x.csv --sampler grid --metric f1_score --jobs 2"


def test_a_set_over_random_states_is_made_again_as_one():
    plan = Plan({"random_state": "7,8,9"}, {"data": "x.csv"}, "grid", None, "f1_score", 2, None, "", None)
    assert plan.command() == "expctl train --repeats 3 --random-state 7 --data x.csv"
    for other in ({"space": {"random_state": "7,9"}}, {"sampler": "tpe", "trials": 3}, {"metric": "mcc"}):
        assert replace(plan, **other).command().startswith("expctl sweep -g random_state=7")


def test_the_command_makes_the_same_trials(cli, small):
    plan = Plan({"ngram_max": "1,2", "c": "0.1..0.3..0.1"}, {"data": "small.csv", "stratify": True, "c": "x"}, "grid",
                4, "f1_score", 1, None, "", None)  # fmt: skip
    plan = replace(plan, given={"data": "small.csv", "stratify": True, "min_df": 2})
    done = cli(*shlex.split(plan.command())[1:], "--dry-run", "--format", "csv")
    assert done.stdout == "trial,ngram_max,c\n1,1,0.1\n2,1,0.2\n3,1,0.3\n4,2,0.1\n"


def test_what_is_asked_again_in_the_same_words_is_the_same():
    check_same(PLAN, {}, {}, {})
    check_same(PLAN, PLAN.space, PLAN.given, {"sampler": "tpe", "metric": "f1_score", "keep_models": 3})
    check_same(PLAN, {}, {"max_features": "20"}, {})


def test_data_may_lie_elsewhere_for_its_hash_decides():
    check_same(PLAN, {}, {"data": "elsewhere/y.csv"}, {})


@pytest.mark.parametrize(
    ("space", "given", "wish", "message"),
    [
        ({"c": "0.1,2"}, {}, {}, "the sweep has c 0.1,1, not 0.1,2"),
        ({"tol": "1,2"}, {}, {}, "the sweep has tol as it is by default, not 1,2"),
        ({}, {"max_features": 30}, {}, "the sweep has max_features 20, not 30"),
        ({}, {"cv": 3}, {}, "the sweep has cv as it is by default, not 3"),
        ({}, {}, {"sampler": "grid"}, "the sweep has sampler tpe, not grid"),
        ({}, {}, {"metric": "accuracy"}, "the sweep has metric f1_score, not accuracy"),
        ({}, {}, {"keep_models": 5}, "the sweep has keep_models 3, not 5"),
    ],
)
def test_what_is_asked_otherwise_is_refused_with_the_difference(space, given, wish, message):
    with pytest.raises(UsageError) as caught:
        check_same(PLAN, space, given, wish)
    assert caught.value.message == message
    assert caught.value.hint == "--resume RUN alone goes on with it; without --resume a new sweep begins"
