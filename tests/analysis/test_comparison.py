"""Laws of comparing: a run with itself, two runs both ways, what is told and what is left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from expctl.analysis.comparison import Comparison, Distance, Evidence, Line, compare, without_one_sided
from expctl.metrics import METRICS, higher_is_better
from expctl.records import RunRecord, Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = Evidence()


def run(number: int = 1, **changes: Any) -> RunRecord:
    return RunRecord(
        **{"run_id": f"{number:032x}", "name": f"r{number}", "status": "finished", "experiment_id": "1", **changes}
    )


def compared(*runs: RunRecord, evidence: Sequence[Evidence] = (), **options: Any) -> Comparison:
    return compare(runs, evidence or [NOTHING] * len(runs), **{"everything": True, **options})


def section(comparison: Comparison, name: str) -> dict[str, Line]:
    return {line.key: line for line in comparison.lines if line.section == name}


names = st.sampled_from(
    ["c", "model", "accuracy", "f1_score", "log_loss", "team", "x", "f1_score_low", "cv_f1_score_mean"]
)
values = st.one_of(st.text(max_size=5), st.sampled_from(["1.0", "0.1", "5", "True", "nan", "inf", "None"]))
tags = st.dictionaries(
    st.one_of(names, st.sampled_from([Tag.HOST, Tag.PID, Tag.NOTE, Tag.TEST_SET])), values, max_size=4
)
packages = st.none() | st.dictionaries(names, st.sampled_from(["1.0", "2.0"]), max_size=3)
scores = st.none() | st.dictionaries(
    st.text(max_size=3), st.fixed_dictionaries({"f1_score": st.floats(0, 1)}), max_size=3
)
evidences = st.builds(Evidence, packages, scores)
runs = st.builds(
    lambda params, metrics, tags: run(params=params, metrics=metrics, tags=tags),
    st.dictionaries(names, values, max_size=4),
    st.dictionaries(names, st.floats(), max_size=4),
    tags,
)


@given(runs, evidences, st.booleans(), st.sampled_from([None, "f1_score"]))
@example(run(metrics={"f1_score": math.nan}, params={"c": "nan"}), NOTHING, True, None)
def test_a_run_compared_with_itself_has_no_lines(
    one: RunRecord, seen: Evidence, per_class: bool, metric: str | None
) -> None:
    """NaN and infinities too: what did not change is not told."""
    comparison = compare([one, one], [seen, seen], per_class=per_class, metric=metric)
    assert [line.key for line in comparison.lines] == ([] if metric is None else [metric])  # what was asked for is told
    everything = compare([one, one], [seen, seen], per_class=per_class, everything=True)
    assert not any(line.differs for line in everything.lines)
    if metric is None:
        assert sum(comparison.same.values()) == len(everything.lines)


def told(line: Line) -> tuple[str, str, str]:
    return line.section, line.key, repr(line.values)


@given(runs, runs, evidences, evidences, st.booleans(), st.booleans())
def test_comparing_the_other_way_mirrors_everything(
    one: RunRecord, two: RunRecord, seen: Evidence, too: Evidence, per_class: bool, everything: bool
) -> None:
    """The same lines with their values swapped and their changes negated: no answer depends on who came first."""
    there = compare([one, two], [seen, too], per_class=per_class, everything=everything)
    back = compare([two, one], [too, seen], per_class=per_class, everything=everything)
    swapped = [Line(line.section, line.key, line.values[::-1], line.higher_is_better) for line in back.lines]
    assert sorted(map(told, there.lines)) == sorted(map(told, swapped))
    assert there.same_test_set == back.same_test_set
    other = {(line.section, line.key): line for line in back.lines}
    for line in there.lines:
        mirror = other[line.section, line.key]
        assert line.differs == mirror.differs
        assert line.higher_is_better == mirror.higher_is_better
        [change], [negated] = line.changes, mirror.changes
        assert (change is None) == (negated is None)
        if change is not None and negated is not None:
            assert change == -negated or (math.isnan(change) and math.isnan(negated))


@given(runs, runs, evidences, evidences)
def test_what_is_the_same_is_left_out_and_counted_unless_everything_is_asked_for(
    one: RunRecord, two: RunRecord, seen: Evidence, too: Evidence
) -> None:
    everything = compare([one, two], [seen, too], per_class=True, everything=True)
    changed = compare([one, two], [seen, too], per_class=True)
    assert list(map(told, changed.lines)) == [told(line) for line in everything.lines if line.differs]
    assert sum(changed.same.values()) == len(everything.lines) - len(changed.lines)
    assert (everything.same, set(changed.same)) == ({}, {line.section for line in everything.lines if not line.differs})


def test_parameters_that_differ_come_first_and_keep_their_order() -> None:
    """The answer to "what did I change?" is the first line."""
    one = run(params={"model": "logreg", "c": "1.0", "min_df": "1", "max_features": "10"})
    two = run(params={"model": "logreg", "c": "0.1", "min_df": "1", "max_features": "20", "alpha": "2"})
    assert list(section(compared(one, two), "parameters")) == ["c", "max_features", "alpha", "model", "min_df"]
    assert [line.section for line in compared(one, two).lines] == ["parameters"] * 5


def test_a_parameter_that_only_one_has_differs_and_has_none_for_the_other() -> None:
    line = section(compared(run(params={"c": "1.0"}), run(params={})), "parameters")["c"]
    assert (line.values, line.differs, line.changes) == ((1.0, None), True, (None,))


@pytest.mark.parametrize(("one", "two"), [("1", "1.0"), ("True", "1"), ("False", "0.0"), ("nan", "NaN")])
def test_equal_values_of_two_types_are_two_settings(one: str, two: str) -> None:
    """min_df=1 keeps words of one text and more; min_df=1.0 those of all texts. Python says 1 == 1.0 == True."""
    assert section(compared(run(params={"min_df": one}), run(params={"min_df": two})), "parameters")["min_df"].differs


def test_a_third_run_may_differ_alone() -> None:
    """`differs` looks at every challenger, not at the first."""
    line = section(compared(*(run(params={"c": c}) for c in ("1.0", "1.0", "2.0"))), "parameters")["c"]
    assert line.differs


def test_a_parameter_has_no_change_even_if_it_is_a_number() -> None:
    """c going from 1 to 0.1 is neither better nor worse."""
    line = section(compared(run(params={"c": "1.0"}), run(params={"c": "0.1"})), "parameters")["c"]
    assert (line.changes, line.higher_is_better) == ((None,), None)


def test_metrics_come_in_the_order_of_the_table_then_by_name() -> None:
    one = run(metrics={"zebra": 1.0, "mcc": 0.5, "apple": 1.0, "accuracy": 0.9})
    assert list(section(compared(one, run(metrics={"f1_score": 0.8})), "metrics")) == [
        *("accuracy", "f1_score", "mcc"),
        *("apple", "zebra"),
    ]


def test_limits_and_folds_are_left_out_unless_asked_for() -> None:
    """A lower limit that moved is no finding of its own."""
    details = {"f1_score_low": 0.8, "f1_score_high": 0.95, "cv_f1_score": 0.9, "cv_f1_score_std": 0.1}
    one = run(metrics={"f1_score": 0.9, "cv_f1_score_mean": 0.88, **details})
    assert list(section(compared(one, one), "metrics")) == ["f1_score", "cv_f1_score_mean"]
    assert list(section(compared(one, one, metric="f1_score_low"), "metrics")) == ["f1_score_low"]


def test_a_metric_of_ones_own_that_ends_like_a_limit_stays() -> None:
    """`tail_low` says how sure of nothing: there is no metric `tail`."""
    assert list(section(compared(run(metrics={"tail_low": 1.0}), run()), "metrics")) == ["tail_low"]


def test_one_metric_may_be_asked_for() -> None:
    one, two = run(metrics={"f1_score": 0.9, "accuracy": 0.9}), run(metrics={"accuracy": 0.8})
    lines = section(compared(one, two, metric="f1_score"), "metrics")
    assert {key: line.values for key, line in lines.items()} == {"f1_score": (0.9, None)}
    assert lines["f1_score"].changes == (None,)


@pytest.mark.parametrize("key", METRICS)
def test_every_metric_of_the_table_has_its_direction(key: str) -> None:
    line = section(compared(run(metrics={key: 1.0}), run(metrics={key: 2.0})), "metrics")[key]
    assert line.higher_is_better is METRICS[key].higher_is_better
    assert line.changes == (1.0,)


@pytest.mark.parametrize(
    ("key", "higher"),
    [
        ("log_loss", False),
        ("fit_seconds", False),
        ("cv_log_loss_mean", False),
        ("val_mae", False),
        ("cv_f1_score_mean", True),
        ("auc", True),
    ],
)
def test_the_direction_of_other_metrics_is_told_by_their_names(key: str, higher: bool) -> None:
    assert higher_is_better(key) is higher


def test_a_change_of_infinities_is_nan_and_not_zero() -> None:
    """Infinity minus infinity is unknown; a 0 would say that nothing happened. The line itself does not differ."""
    line = section(compared(run(metrics={"x": math.inf}), run(metrics={"x": math.inf})), "metrics")["x"]
    assert line.changes[0] is not None
    assert math.isnan(line.changes[0])
    assert not line.differs


def test_of_tags_only_those_that_differ_are_told_and_no_bookkeeping() -> None:
    """Two runs on two machines differ in host and process: that explains nothing."""
    common = {"team": "nlp", "mlflow.user": "a", Tag.HOST: "x", Tag.PID: "1", Tag.RECIPE: "{}"}
    one = run(tags={**common, "git_commit": "abc"})
    two = run(tags={**common, "mlflow.user": "b", Tag.HOST: "y", Tag.PID: "2", Tag.RECIPE: "[]", "stage": "prod"})
    lines = section(compared(one, two), "tags")
    assert {key: line.values for key, line in lines.items()} == {"stage": (None, "prod")}
    assert section(compared(one, two), "code")["git_commit"].values == ("abc", None)


def test_code_is_told_where_it_differs_with_the_distance_of_each_challenger() -> None:
    one, two = (run(tags={"git_commit": commit, "git_branch": "main"}) for commit in ("abc", "def"))
    lines = section(compare([one, two, one], [Evidence()] * 3, distances=[Distance(3, 0), None]), "code")
    assert {key: line.values for key, line in lines.items()} == {
        "git_commit": ("abc", "def", "abc"),
        "commits": (None, 3, None),
        "files": (None, 0, None),
    }
    assert section(compare([one, two], [Evidence()] * 2, distances=[None]), "code").keys() == {"git_commit"}
    assert section(compare([one, one], [Evidence()] * 2, distances=[None]), "code") == {}


def test_experiments_are_told_where_they_differ_or_are_asked_for() -> None:
    one, other = run(experiment="a"), run(experiment="b")
    assert section(compare([one, other], [Evidence()] * 2), "run")["experiment"].values == ("a", "b")
    assert section(compare([one, one], [Evidence()] * 2), "run") == {}
    assert section(compare([one, one], [Evidence()] * 2, experiments=True), "run")["experiment"].values == ("a", "a")


def test_packages_are_told_where_they_differ_in_the_order_of_their_names() -> None:
    seen = [
        Evidence({"pandas": "3.0", "numpy": "2.2", "scipy": "1"}),
        Evidence({"numpy": "2.3", "scipy": "1", "a": "1"}),
    ]
    lines = section(compared(run(1), run(2), evidence=seen), "packages")
    assert {key: line.values for key, line in lines.items()} == {
        "a": (None, "1"),
        "numpy": ("2.2", "2.3"),
        "pandas": ("3.0", None),
    }
    assert list(lines) == ["a", "numpy", "pandas"]


def test_packages_of_a_run_without_a_list_are_unknown_not_missing() -> None:
    """A run that did not record its packages did not lose all of them."""
    seen = [Evidence({"numpy": "2.2"}), Evidence(None)]
    assert section(compared(run(1), run(2), evidence=seen), "packages") == {}
    assert section(compared(run(1), run(2), evidence=[Evidence({"numpy": "2.2"}), Evidence({})]), "packages") != {}


def test_classes_are_told_when_asked_and_a_class_that_one_lacks_is_empty() -> None:
    seen = [
        Evidence(per_class={"pos": {"f1_score": 0.9, "recall": 1.0}, "neg": {"f1_score": 0.5}}),
        Evidence(per_class={"pos": {"f1_score": 0.8}}),
    ]
    assert section(compared(run(1), run(2), evidence=seen), "F1 by class") == {}
    lines = section(compared(run(1), run(2), evidence=seen, per_class=True), "F1 by class")
    assert {key: line.values for key, line in lines.items()} == {"neg": (0.5, None), "pos": (0.9, 0.8)}
    assert lines["pos"].changes == (pytest.approx(-0.1),)
    assert lines["pos"].higher_is_better is True


def test_classes_of_a_run_without_them_are_empty_beside_those_of_the_other() -> None:
    seen = [Evidence(per_class={"pos": {"f1_score": 0.9}}), Evidence()]
    lines = section(compared(run(1), run(2), evidence=seen, per_class=True), "F1 by class")
    assert lines["pos"].values == (0.9, None)
    assert section(compared(run(1), run(2), per_class=True), "F1 by class") == {}


@pytest.mark.parametrize(
    ("prints", "same"),
    [
        (("a", "a"), True),
        (("a", "b"), False),
        (("a", None), None),
        ((None, None), None),
        (("a", "a", "a"), True),
        (("a", "a", "b"), False),
        (("a", "b", None), None),
    ],
)
def test_the_test_sets_are_the_same_different_or_unknown(prints: tuple[str | None, ...], same: bool | None) -> None:
    """Unknown is not the same: metrics of other rows must not be tested against each other."""
    tagged = [run(i, tags={} if one is None else {Tag.TEST_SET: one}) for i, one in enumerate(prints)]
    assert compared(*tagged).same_test_set is same


def test_the_baseline_is_the_first_run() -> None:
    comparison = compared(run(1, metrics={"mcc": 0.5}), run(2, metrics={"mcc": 0.75}), run(3, metrics={"mcc": 0.25}))
    assert [one.run_id for one in comparison.runs] == [f"{i:032x}" for i in (1, 2, 3)]
    assert section(comparison, "metrics")["mcc"].changes == (0.25, -0.25)


def test_many_parameters_of_one_run_alone_are_counted_and_few_are_shown() -> None:
    own = {"c": "2", **{f"a{i}": "1" for i in range(11)}}
    found = compared(run(1, params={"c": "1"}), run(2, params=own), everything=False)
    shown, alone = without_one_sided(found)
    assert (list(section(shown, "parameters")), alone) == (["c"], {1: 11})
    assert without_one_sided(compared(run(1, params=own), run(2), everything=False))[1] == {0: 12}
    few = compared(run(1, params={"c": "1", "a": "1"}), run(2, params={"c": "2"}), everything=False)
    assert without_one_sided(few) == (few, {})


def test_an_option_of_an_older_recipe_is_compared_under_its_present_name() -> None:
    tags = {Tag.RECIPE: "{}"}
    older, newer = run(1, params={"label_column": "y"}, tags=tags), run(2, params={"target": "z"}, tags=tags)
    assert section(compared(older, newer), "parameters")["target"].values == ("y", "z")
    foreign = run(1, params={"label_column": "y"})
    assert set(section(compared(foreign, newer), "parameters")) == {"label_column", "target"}
