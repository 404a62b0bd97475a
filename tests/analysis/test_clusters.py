"""Where rows come in groups these are the sample: copies add nothing, no order matters, few say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.analysis import clusters
from expctl.analysis.clusters import LEAST_GROUPS, cluster_limits, group_weights
from expctl.analysis.predictions import RunPredictions
from expctl.analysis.significance import Assessment, assess
from tests.analysis import guesses, predictions, probabilities, taken

GROUPS = 60


def named(codes: np.ndarray) -> np.ndarray:
    return np.array([f"{code:032d}" for code in codes.tolist()], dtype="S32")


def pair_of_runs(copies: int = 1, seed: int = 0, classes: int = 2) -> tuple[RunPredictions, RunPredictions]:
    """Two runs on as many groups, each of so many rows of which the same is said."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, GROUPS)
    of_row = np.repeat(np.arange(GROUPS), copies)
    runs = []
    for right in (0.7, 0.85):
        said = guesses(labels, right, classes, seed + int(100 * right))
        scores = probabilities(labels, [right] * classes, seed + int(100 * right))
        runs.append(
            predictions(
                labels[of_row], said[of_row], texts=range(len(of_row)), scores=scores[of_row],
                score_kind="probability", score_classes=list("abc"[:classes]), groups=named(of_row),
            )
        )  # fmt: skip
    return runs[0], runs[1]


def found(test: Assessment) -> dict[str, tuple[float, ...]]:
    every = {**test.differences, **{f"class {key}": one for key, one in test.by_class.items()}}
    return {key: (one.change, one.low, one.high, one.p_value) for key, one in every.items()}


@pytest.mark.parametrize("classes", [2, 3])
def test_copies_of_a_row_in_one_group_say_what_the_row_alone_says(classes: int) -> None:
    alone = found(assess(*pair_of_runs(1, classes=classes), per_class=True))
    copied = found(assess(*pair_of_runs(10, classes=classes), per_class=True))
    assert set(alone) == set(copied)
    assert len(alone) >= 9 + classes
    for key, values in alone.items():
        assert copied[key] == pytest.approx(values, abs=1e-9), key


def test_ten_copies_without_groups_are_taken_for_ten_times_the_rows() -> None:
    one, other = (replace(run, groups=None) for run in pair_of_runs(10))
    by_rows, by_groups = assess(one, other).differences, assess(*pair_of_runs(10)).differences
    for key in ("accuracy", "f1_macro", "log_loss"):
        assert by_groups[key].high - by_groups[key].low > 2.5 * (by_rows[key].high - by_rows[key].low)


def test_of_groups_of_one_row_the_error_of_accuracy_is_that_of_a_mean() -> None:
    one, other = pair_of_runs(1)
    change = (other.predicted == other.labels).astype(float) - (one.predicted == one.labels)
    blocks = clusters.Blocks.of(np.arange(GROUPS))
    sums = np.bincount(blocks.of_row, change)
    error = clusters._jackknife((sums.sum() - sums) / (GROUPS - 1))[0]
    assert error == pytest.approx(change.std(ddof=1) / np.sqrt(GROUPS))


@given(st.integers(0, 20))
@settings(max_examples=10, deadline=None)
def test_the_other_way_round_the_same_is_said_with_the_signs_turned(seed: int) -> None:
    one, other = pair_of_runs(2, seed, 3)
    there, back = found(assess(one, other, per_class=True)), found(assess(other, one, per_class=True))
    for key, (change, low, high, p_value) in there.items():
        assert back[key] == (-change, -high, -low, p_value), key


def test_the_order_of_the_rows_does_not_matter() -> None:
    one, other = pair_of_runs(3)
    order = np.random.default_rng(5).permutation(len(one))
    shuffled = [replace(taken(run, order), groups=run.groups[order]) for run in (one, other)]  # type: ignore[index]
    assert found(assess(*shuffled, per_class=True)) == found(assess(one, other, per_class=True))
    plain = cluster_limits(one.labels, one.predicted, one.groups)  # type: ignore[arg-type]
    assert cluster_limits(*(getattr(shuffled[0], key) for key in ("labels", "predicted", "groups"))) == plain


def test_a_run_differs_from_itself_in_nothing() -> None:
    one, _ = pair_of_runs(3)
    test = assess(one, one, per_class=True)
    for difference in [*test.differences.values(), *test.by_class.values()]:
        assert (difference.change, difference.p_value, difference.verdict) == (0, 1, "no clear difference")
        assert difference.low == difference.high == 0


def test_few_groups_are_not_tested_and_the_reason_is_told() -> None:
    few = np.arange(GROUPS) % (LEAST_GROUPS - 1)
    one, other = (replace(run, groups=named(few)) for run in pair_of_runs(1))
    test = assess(one, other, per_class=True)
    assert (dict(test.differences), dict(test.by_class)) == ({}, {})
    assert test.note == f"not tested: the test rows are of {LEAST_GROUPS - 1} groups, and a test needs {LEAST_GROUPS}"
    assert cluster_limits(one.labels, one.predicted, named(few)) == {}
    enough = np.arange(GROUPS) % LEAST_GROUPS
    assert assess(replace(one, groups=named(enough)), replace(other, groups=named(enough))).differences


def test_groups_that_either_run_has_recorded_count() -> None:
    one, other = pair_of_runs(4)
    both = found(assess(one, other))
    assert found(assess(replace(one, groups=None), other)) == both
    assert found(assess(one, replace(other, groups=None))) == both


def test_where_no_group_was_broken_the_lower_limit_allows_for_one_more() -> None:
    labels = np.arange(GROUPS) % 2
    one = predictions(labels, labels, groups=named(np.arange(GROUPS)))
    said = labels.copy()
    said[:3] = 1 - said[:3]
    other = predictions(labels, said, groups=named(np.arange(GROUPS)))
    fixed = assess(other, one).differences["accuracy"]
    # By Clopper and Pearson none of 60 leaves up to 6 %.
    assert fixed.low < fixed.change - 0.05
    assert fixed.verdict == "no clear difference"


def test_a_model_without_an_error_has_a_lower_limit_below_one() -> None:
    labels = np.arange(GROUPS) % 2
    limits = cluster_limits(labels, labels, named(np.arange(GROUPS)))
    low, high = limits["accuracy"]
    assert high == 1
    assert low == pytest.approx(0.025 ** (1 / GROUPS), abs=0.01)  # Clopper and Pearson


def test_limits_allow_for_one_more_group_of_a_rare_class() -> None:
    labels = np.repeat([0, 1], [534, 16])
    low, high = cluster_limits(labels, labels, named(np.arange(len(labels))))["balanced_accuracy"]
    assert high == 1
    assert low == pytest.approx((1 + 0.025 ** (1 / 16)) / 2, abs=0.01)  # Clopper and Pearson, of the rare class alone


def test_very_many_groups_are_put_together_and_say_the_same() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 30_000)
    groups = named(random.permutation(30_000))
    one, other = (predictions(labels, guesses(labels, right, 2, 1), groups=groups) for right in (0.70, 0.71))
    blocked = assess(one, other).differences
    rows = assess(replace(one, groups=None), replace(other, groups=None)).differences
    for key in ("accuracy", "f1_macro", "mcc"):
        assert blocked[key].low == pytest.approx(rows[key].low, abs=0.003)
        assert blocked[key].high == pytest.approx(rows[key].high, abs=0.003)


def test_drawn_rows_are_of_whole_groups() -> None:
    groups = np.repeat(np.arange(10), 3)
    weights = group_weights(groups, np.random.default_rng(0)).reshape(10, 3)
    assert (weights == weights[:, :1]).all()
    assert weights[:, 0].sum() == 10


def test_scores_are_tested_where_enough_groups_have_the_rarer_class() -> None:
    """Of a hundred rows of the rarer class in nineteen groups, nineteen count."""
    labels = np.array([1] * 19 + [0] * 81)
    of_row = np.repeat(np.arange(100), 5)
    texts, few = range(len(of_row)), "only 19 of the 100 groups have rows that are not of the most frequent class"
    for rare, told in ((19, few), (20, None)):
        labels[:rare] = 1
        one, other = (
            predictions(
                labels[of_row], labels[of_row], texts=texts, scores=probabilities(labels, [0.8] * 2, seed)[of_row],
                score_kind="probability", score_classes=["a", "b"], groups=named(of_row),
            )
            for seed in (1, 2)
        )  # fmt: skip
        test = assess(one, other)
        assert ({"roc_auc", "log_loss"} <= test.differences.keys()) is (told is None)
        assert test.untested == ({} if told is None else dict.fromkeys(test.untested, f"{told}; 20 are needed"))
        assert bool(test.untested) is (told is not None)


def test_few_changed_groups_of_a_rare_class_are_the_sample_of_what_averages_over_classes() -> None:
    """Of forty groups of the rare class seven were fixed and one broken: no verdict (sign test: p = 0.07), however
    many others changed.
    """
    labels = np.repeat([0, 1], [1_960, 40])
    first, second = labels.copy(), labels.copy()
    first[:150], second[150:300] = 1, 1
    first[1_960:1_967], second[1_967] = 0, 0
    one, other = (predictions(labels, said, groups=named(np.arange(2_000))) for said in (first, second))
    tested = assess(one, other).differences
    assert tested["accuracy"].p_value == pytest.approx(0.73, abs=0.01)  # as of 308 groups
    assert tested["balanced_accuracy"].verdict == "no clear difference"
    assert 0.05 < tested["balanced_accuracy"].p_value < 0.1
