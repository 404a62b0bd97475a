"""Paired differences: scikit-learn's values, the intervals that resampling rows gives, and the laws of comparing."""

from __future__ import annotations

import itertools
import json
import random as stdlib_random
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn import metrics as sk

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.difference import mcnemar_p
from expctl.analysis.influence import deciding_rows
from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.significance import (
    Assessment,
    JointTable,
    assess,
    class_differences,
    joint_table,
    paired_differences,
)
from tests.analysis import LETTERS, guesses, large, predictions, probabilities, taken
from tests.simulation.coverage import population, simulate

METRICS = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc")

# label, what the baseline says, what the challenger says
ROWS = st.integers(2, 4).flatmap(
    lambda classes: st.lists(st.tuples(*[st.integers(0, classes - 1)] * 3), min_size=1, max_size=40)
)


def two_runs(rows: list[tuple[int, int, int]], **given: Any) -> tuple[RunPredictions, RunPredictions]:
    labels, first, second = zip(*rows, strict=True)
    return predictions(labels, first, classes=LETTERS, **given), predictions(labels, second, classes=LETTERS, **given)


def scored_runs(rows: int = 120, classes: int = 3, kind: str = "probability") -> tuple[RunPredictions, ...]:
    """Two runs with scores and all classes."""
    labels = np.random.default_rng(5).integers(0, classes, rows)
    runs = []
    for seed, strength in ((1, 1.0), (2, 1.6)):
        scores = probabilities(labels, [strength] * classes, seed)
        if kind == "decision":
            scores = (scores[:, 1] - scores[:, 0])[:, None]
        said = scores.argmax(axis=1) if kind == "probability" else (scores[:, 0] > 0).astype(int)
        runs.append(predictions(labels, said, scores=scores, score_kind=kind, score_classes=list(LETTERS[:classes])))
    return tuple(runs)


def by_scikit_learn(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    support = {"average": "weighted", "zero_division": 0}
    recalls = sk.recall_score(labels, said, labels=np.unique(labels), average=None, zero_division=0)
    return {
        "accuracy": sk.accuracy_score(labels, said),
        "f1_score": sk.f1_score(labels, said, **support),
        "precision": sk.precision_score(labels, said, **support),
        "recall": sk.recall_score(labels, said, **support),
        "f1_macro": sk.f1_score(labels, said, average="macro", zero_division=0),
        "balanced_accuracy": recalls.mean(),
        "mcc": sk.matthews_corrcoef(labels, said) if len({*labels, *said}) > 1 else 0.0,
    }


def by_rows(labels: np.ndarray, said: np.ndarray, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of the drawn rows (resamples, n) from one confusion matrix each. Written for these tests alone."""
    classes = int(max(labels.max(), said.max())) + 1
    matrix = np.zeros((len(drawn), classes, classes))
    for true, guess in itertools.product(range(classes), repeat=2):
        matrix[:, true, guess] = ((labels == true) & (said == guess))[drawn].sum(axis=1)
    rows = drawn.shape[1]
    f1, weighted, present, recall, labelled = (np.zeros(len(drawn)) for _ in range(5))
    top = bottom_true = bottom_said = np.zeros(len(drawn))
    for k in range(classes):
        hits, true, guess = matrix[:, k, k], matrix[:, k].sum(axis=1), matrix[:, :, k].sum(axis=1)
        one = 2 * hits / np.maximum(true + guess, 1)
        f1, weighted, present = f1 + one, weighted + one * true, present + (true + guess > 0)
        recall, labelled = recall + hits / np.maximum(true, 1), labelled + (true > 0)
        top = top + rows * hits - true * guess
        bottom_true, bottom_said = bottom_true + true**2, bottom_said + guess**2
    bottom = np.sqrt((rows**2 - bottom_true) * (rows**2 - bottom_said))
    return {
        "accuracy": np.trace(matrix, axis1=1, axis2=2) / rows,
        "f1_score": weighted / rows,
        "f1_macro": f1 / present,
        "balanced_accuracy": recall / labelled,
        "mcc": np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), 0),
    }


SAMPLES = {  # rows, classes, their shares
    "two classes": (200, [0.5, 0.5]),
    "five classes": (450, [0.3, 0.25, 0.2, 0.15, 0.1]),
    "a rare class": (800, [0.92, 0.08]),
    "few changed rows": (110, [0.6, 0.4]),
}


def sample(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, shares = SAMPLES[name]
    labels = np.random.default_rng(11).choice(len(shares), rows, p=shares)
    first = guesses(labels, 0.7, len(shares), 1)
    second = np.where(np.random.default_rng(3).random(rows) < 0.4, first, guesses(labels, 0.8, len(shares), 2))
    return labels, first, second


def expanded(differing: int) -> float:
    """The lower level of a 95 % interval for as many informative rows: Hesterberg 2015, section 5.3."""
    return float(stats.norm.sf(stats.t(differing - 1).isf(0.025) * np.sqrt(differing / (differing - 1))))


@pytest.mark.parametrize("name", SAMPLES)
def test_intervals_are_those_of_resampling_rows(name: str) -> None:
    """20,000 times rows drawn with replacement, both models measured on them; the first draws by scikit-learn itself.

    Tolerance: 4 % of the width (a tenth of the standard error: the noise of two times 10,000 draws is a third of it)
    and one row of accuracy, which jumps by as much. The levels are Hesterberg's for as many rows as differ. What a rare
    class decides may be wider, by what its few rows may not have shown.
    """
    labels, first, second = sample(name)
    random = np.random.default_rng(7)
    drawn = random.integers(0, len(labels), (20_000, len(labels)))
    one, other = by_rows(labels, first, drawn), by_rows(labels, second, drawn)
    for i in range(8):
        rows = drawn[i]
        expected = by_scikit_learn(labels[rows], second[rows])
        assert {key: other[key][i] for key in METRICS} == pytest.approx(
            {key: expected[key] for key in METRICS}, abs=1e-12
        )
    differing = int((first != second).sum())
    level = expanded(differing)
    table = joint_table(pair(predictions(labels, first), predictions(labels, second)))
    found, deciding = paired_differences(table), deciding_rows(table, metrics_from_counts)
    for key in METRICS:
        low, high = np.quantile(other[key] - one[key], [level, 1 - level])
        tolerance = 0.04 * (high - low) + (1 / len(labels) if key == "accuracy" else 0)
        if name == "a rare class" and min(deciding[key]) < 30:
            assert found[key].high - found[key].low < 1.3 * (high - low), key
            low, high = min(low, found[key].low), max(high, found[key].high)
        assert (found[key].low, found[key].high) == pytest.approx((low, high), abs=tolerance), key
    assert name != "few changed rows" or (10 <= differing <= 20 and level < 0.02)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99])
def test_confidence_chooses_the_percentiles(confidence: float) -> None:
    labels, first, second = sample("five classes")
    drawn = np.random.default_rng(8).integers(0, 450, (20_000, 450))
    change = by_rows(labels, second, drawn)["f1_macro"] - by_rows(labels, first, drawn)["f1_macro"]
    table = joint_table(pair(predictions(labels, first), predictions(labels, second)))
    found = paired_differences(table, confidence=confidence)["f1_macro"]
    low, high = np.quantile(change, [(1 - confidence) / 2, (1 + confidence) / 2])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)
    assert found.alpha == 1 - confidence


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_values_are_those_of_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = (np.array(part) for part in zip(*rows, strict=True))
    tested = assess(*two_runs(rows)).differences
    before, after = by_scikit_learn(labels, first), by_scikit_learn(labels, second)
    assert {key: one.baseline for key, one in tested.items()} == pytest.approx(before, abs=1e-12)
    assert {key: one.challenger for key, one in tested.items()} == pytest.approx(after, abs=1e-12)


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_accuracy_is_tested_by_mcnemar_whatever_the_metric_is_called(rows: list[tuple[int, int, int]]) -> None:
    right = Counter((label == first, label == second) for label, first, second in rows)
    tested = assess(*two_runs(rows)).differences
    expected = mcnemar_p(right[True, False], right[False, True])
    assert tested["accuracy"].p_value == tested["recall"].p_value == expected


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_a_run_differs_in_nothing_from_itself(rows: list[tuple[int, int, int]]) -> None:
    run = two_runs(rows)[0]
    tested = assess(run, run, per_class=True)
    assert tested.note is None
    assert set(tested.differences) == {"accuracy", "f1_score", "precision", "recall", "f1_macro", *METRICS}
    for one in (*tested.differences.values(), *tested.by_class.values()):
        assert (one.change, one.low, one.p_value) == (0, -one.high, 1)  # other rows may tell what labels do not
        assert one.verdict == "no clear difference"


@pytest.mark.parametrize("kind", ["probability", "decision"])
def test_a_run_with_scores_differs_in_nothing_from_itself(kind: str) -> None:
    run = scored_runs(classes=2, kind=kind)[0]
    tested = assess(run, run).differences
    assert {"roc_auc"} <= set(tested)
    for one in tested.values():
        assert (one.change, one.low, one.high, one.p_value) == (0, 0, 0, 1)


def assert_mirrored(there: Assessment, back: Assessment) -> None:
    opposite = {"better": "worse", "worse": "better", "no clear difference": "no clear difference"}
    for forward, backward in ((there.differences, back.differences), (there.by_class, back.by_class)):
        assert list(forward) == list(backward)
        for key, one in forward.items():
            other = backward[key]
            assert (one.baseline, one.challenger) == (other.challenger, other.baseline)
            assert (one.low, one.high, one.p_value) == (-other.high, -other.low, other.p_value), key
            assert one.verdict == opposite[other.verdict]


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_comparing_the_other_way_mirrors_every_figure_exactly(rows: list[tuple[int, int, int]]) -> None:
    one, two = two_runs(rows)
    assert_mirrored(assess(one, two, per_class=True), assess(two, one, per_class=True))


def test_models_that_look_alike_from_both_sides_have_even_limits() -> None:
    """As many rows fixed as broken, of each kind: nothing tells who is first, so the interval must not."""
    one, two = two_runs([(0, 0, 1), (0, 1, 0), (1, 1, 1), (1, 0, 0)] * 5)
    there = assess(one, two, per_class=True)
    assert_mirrored(there, assess(two, one, per_class=True))
    for found in there.differences.values():
        assert found.low == -found.high < 0


@pytest.mark.parametrize(("classes", "kind"), [(2, "probability"), (2, "decision"), (4, "probability")])
@pytest.mark.parametrize("rows", [60, 21_000])
def test_scores_are_mirrored_exactly_too(classes: int, kind: str, rows: int) -> None:
    one, two = scored_runs(rows, classes, kind)
    there = assess(one, two)
    assert ("log_loss" in there.differences) == (kind == "probability")
    assert_mirrored(there, assess(two, one))


def test_scores_that_look_alike_from_both_sides_have_even_limits() -> None:
    scores = np.array([[0.9, 0.1], [0.4, 0.6]] * 20)
    given = {"score_kind": "probability", "score_classes": ["a", "b"]}
    one = predictions([0, 0, 1, 1] * 10, [0, 1] * 20, scores=scores, **given)
    two = replace(one, scores=np.concatenate([scores[1:], scores[:1]]), predicted=1 - one.predicted)
    there = assess(one, two)
    assert_mirrored(there, assess(two, one))
    assert there.differences["log_loss"].high == -there.differences["log_loss"].low > 0


@given(ROWS, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[int, int, int]], mine: stdlib_random.Random, others: stdlib_random.Random
) -> None:
    one, two = two_runs(rows)
    orders = [random.sample(range(len(rows)), len(rows)) for random in (mine, others)]
    expected, found = assess(one, two, per_class=True), assess(*map(taken, (one, two), orders), per_class=True)
    assert (found.differences, found.by_class) == (expected.differences, expected.by_class)
    assert found.note is None


@pytest.mark.parametrize("rows", [150, 21_000])
def test_the_order_of_rows_does_not_matter_to_scores(rows: int) -> None:
    one, two = scored_runs(rows)
    orders = [np.random.default_rng(seed).permutation(rows) for seed in (1, 2)]
    assert assess(taken(one, orders[0]), taken(two, orders[1])).differences == assess(one, two).differences
    assert assess(taken(one, orders[0]), taken(two, orders[0])).differences == assess(one, two).differences


def recoded(run: RunPredictions, order: list[int]) -> RunPredictions:
    """The same run with its classes listed in another order, as another file has them."""
    place = np.argsort(order)
    columns = None if run.scores is None or run.scores.shape[1] == 1 else run.scores[:, order]
    return replace(
        run,
        classes=[run.classes[i] for i in order],
        labels=place[run.labels],
        predicted=place[run.predicted],
        scores=columns,
        score_classes=[run.score_classes[i] for i in order] if columns is not None else run.score_classes,
    )


@given(ROWS, st.permutations(range(10)), st.permutations(range(10)))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_classes_are_listed_does_not_matter(
    rows: list[tuple[int, int, int]], mine: list[int], others: list[int]
) -> None:
    one, two = two_runs(rows)
    assert assess(recoded(one, mine), recoded(two, others)).differences == assess(one, two).differences


def test_the_order_of_score_columns_does_not_matter() -> None:
    one, two = scored_runs(classes=3)
    assert assess(recoded(one, [2, 0, 1]), recoded(two, [1, 0, 2])).differences == assess(one, two).differences


def test_other_names_of_classes_change_no_value_and_no_exact_test() -> None:
    """Names decide the order in which cells are drawn, so intervals agree to the noise of drawing, the rest exactly."""
    labels, first, second = sample("five classes")
    names = ["z", "b", "y", "a", "m"]
    before = assess(predictions(labels, first), predictions(labels, second)).differences
    after = assess(predictions(labels, first, classes=names), predictions(labels, second, classes=names)).differences
    for key, one in before.items():
        assert (after[key].baseline, after[key].challenger) == pytest.approx((one.baseline, one.challenger), abs=1e-12)
        assert (after[key].low, after[key].high) == pytest.approx((one.low, one.high), abs=0.05 * (one.high - one.low))
    assert after["accuracy"].p_value == before["accuracy"].p_value


def test_the_same_runs_always_have_the_same_answer_and_move_no_random_state() -> None:
    one, two = scored_runs()
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    once = assess(one, two, per_class=True)
    assert np.random.get_state()[1].tolist() == state
    np.random.seed(2)
    again = assess(one, two, per_class=True)
    assert (again.differences, again.by_class) == (once.differences, once.by_class)


def test_a_row_repeated_counts_as_often_as_it_occurs() -> None:
    one, two = two_runs([(0, 0, 1), (1, 1, 1), (0, 1, 0)] * 10, texts=[1, 2, 3] * 10)
    table = joint_table(pair(one, two))
    assert (table.rows, table.counts.tolist()) == (30, [10, 10, 10])


def test_figures_are_plain_numbers_that_json_can_write() -> None:
    found = [asdict(one) for one in assess(*scored_runs(), per_class=True).differences.values()]
    assert {type(value) for one in found for value in one.values()} == {str, float, int}
    json.dumps(found)


def test_f1_of_each_class_is_scikit_learns_and_its_interval_that_of_resampling_rows() -> None:
    labels, first, second = sample("five classes")
    table = joint_table(pair(predictions(labels, first), predictions(labels, second)))
    found = class_differences(table, LETTERS[:5])
    drawn = np.random.default_rng(9).integers(0, 450, (20_000, 450))
    level = expanded(int((first != second).sum()))
    one, other = (sk.f1_score(labels, said, average=None) for said in (first, second))
    for k in range(5):
        difference = found[LETTERS[k]]
        assert difference.metric == "f1_score"
        assert (difference.baseline, difference.challenger) == pytest.approx((one[k], other[k]), abs=1e-12)
        f1 = [
            2 * ((labels == k) & (said == k))[drawn].sum(axis=1) / ((labels == k) * 1 + (said == k))[drawn].sum(axis=1)
            for said in (first, second)
        ]
        low, high = np.quantile(f1[1] - f1[0], [level, 1 - level])
        tolerance = 0.04 * (high - low)
        assert low - 3 * tolerance <= difference.low <= low + tolerance  # wider where few rows of the class changed
        assert high - tolerance <= difference.high <= high + 3 * tolerance


def test_classes_are_only_told_when_asked_for() -> None:
    assert assess(*two_runs([(0, 0, 1)])).by_class == {}


def test_a_class_that_only_one_model_says_counts_against_it_alone() -> None:
    one, two = predictions([0] * 9, [0] * 9), predictions([0] * 9, [0] * 8 + [1])
    tested = assess(one, two, per_class=True)
    assert tested.differences["f1_macro"].baseline == 1
    assert tested.differences["f1_macro"].challenger == pytest.approx((16 / 17 + 0) / 2)
    assert (tested.by_class["b"].baseline, tested.by_class["b"].challenger) == (0, 0)


@pytest.mark.parametrize(("missing", "which"), [((0,), "baseline"), ((1,), "challenger"), ((0, 1), "baseline")])
def test_without_predictions_there_is_a_reason_and_no_difference(missing: tuple[int, ...], which: str) -> None:
    runs = [None if i in missing else predictions([0, 1], [0, 1]) for i in range(2)]
    tested = assess(*runs)
    assert tested == Assessment(note=f"not tested: the {which} has no predictions.parquet")


def test_runs_tested_on_different_rows_are_not_tested() -> None:
    one, two = predictions([0, 1], [0, 1]), predictions([0, 1], [1, 1], texts=["x", "y"])
    tested = assess(one, two)
    assert (tested.differences, tested.by_class, tested.pairing) == ({}, {}, None)
    assert tested.note is not None
    assert tested.note.startswith("not tested: the runs were tested on different rows")


def test_an_overlap_is_tested_alone_and_its_size_said() -> None:
    labels, first, second = sample("five classes")
    one, two = predictions(labels, first), predictions(labels, second)
    tested = assess(taken(one, range(200)), taken(two, range(50, 300)))
    same = assess(taken(one, range(50, 200)), taken(two, range(50, 200)))
    assert tested.differences == same.differences
    assert tested.note == "tested on the 150 rows that both runs have (200 and 250): the changes are for these"


def test_no_rows_cannot_be_compared() -> None:
    nothing = np.array([], dtype=np.int64)
    with pytest.raises(ValueError, match="no rows"):
        paired_differences(JointTable(nothing, nothing, nothing, nothing, 2))


@pytest.mark.parametrize(("rows", "classes"), [(3_080, 77), pytest.param(1_000_000, 151, marks=pytest.mark.slow)])
def test_many_classes_and_rows_are_compared(rows: int, classes: int) -> None:
    random = np.random.default_rng(0)
    keys = random.integers(1, 2**63, (rows, 4), dtype=np.uint64).view("S32").ravel()
    labels = random.integers(0, classes, rows)
    first, second = guesses(labels, 0.85, classes, 1), guesses(labels, 0.88, classes, 2)
    tested = assess(large(labels, first, classes, keys), large(labels, second, classes, keys))
    right = (second == labels).astype(int) - (first == labels)
    error = right.std() / np.sqrt(rows)
    accuracy = tested.differences["accuracy"]
    assert accuracy.change == pytest.approx(right.mean(), abs=1e-12)
    limits = right.mean() + np.array([-1.96, 1.96]) * error
    assert (accuracy.low, accuracy.high) == pytest.approx(limits, abs=0.5 * error)
    macro = tested.differences["f1_macro"]
    assert macro.challenger == pytest.approx(sk.f1_score(labels, second, average="macro"), abs=1e-12)
    assert macro.low < macro.change < macro.high
    assert {one.verdict for one in tested.differences.values()} == {"better"}


@pytest.mark.parametrize("minority", [0.5, 0.13])
def test_intervals_hold_the_truth_about_as_often_as_they_say(minority: float) -> None:
    """200 samples only; tests/simulation/coverage.py is the measurement. Fewer than 88 % is a chance of 1e-4."""
    found = simulate(population(minority, 0.85, 0.85, 0.5), 200, np.random.default_rng(3), 200)
    for key, (held, alarms) in found.items():
        assert 0.88 <= held / 200 <= 0.995, key
        assert alarms / 200 <= 0.1, key


def test_a_real_gain_is_found() -> None:
    found = simulate(population(0.5, 0.8, 0.9, 0.5), 500, np.random.default_rng(4), 30)
    assert all(better > 0.9 * 30 for _, better in found.values())


@pytest.mark.parametrize(("broken", "rows"), [(0, 20), (0, 200), (3, 100), (12, 400)])
def test_what_was_not_seen_may_still_happen_as_often_as_exact_limits_say(broken: int, rows: int) -> None:
    """Accuracy, no row fixed: never surer than the limits of Clopper and Pearson, and of no row broken just those."""
    label, first = np.zeros(rows, dtype=int), np.zeros(rows, dtype=int)
    label[rows // 2 :] = first[rows // 2 :] = 1
    second = first.copy()
    second[:broken] = 1
    found = paired_differences(joint_table(pair(*two_runs(list(zip(label, first, second, strict=True))))))
    exact = stats.binomtest(broken, rows).proportion_ci(0.95).high
    assert -found["accuracy"].low == pytest.approx(exact, rel=0.04 if not broken else 0.25)
    assert -found["accuracy"].low > 0.97 * exact
    assert found["f1_score"].low < -0.9 * exact


def test_a_model_that_broke_nothing_in_a_few_rows_is_not_sure_to_break_nothing() -> None:
    rows = [(i % 2, i % 2 if i % 5 else 1 - i % 2, i % 2) for i in range(50)]  # ten of fifty fixed, none broken
    table = joint_table(pair(*two_runs(rows)))
    for difference in paired_differences(table).values():
        assert 0 < difference.low < difference.change
    same = joint_table(pair(*two_runs([(i % 2, i % 2, i % 2) for i in range(50)])))
    for difference in paired_differences(same).values():
        assert (difference.change, difference.p_value) == (0, 1)
        assert difference.low == -difference.high < -0.05


def test_a_class_of_few_rows_is_judged_by_its_own() -> None:
    """None of three rows of a class was broken; exact limits allow 71 % of it."""
    rows = [(0, 0, 0)] * 300 + [(1, 1, 1)] * 3
    found = class_differences(joint_table(pair(*two_runs(rows))), LETTERS[:2])
    assert found[LETTERS[1]].low < -0.5
    assert found[LETTERS[0]].low > -0.05


def test_models_of_the_same_scores_and_other_thresholds_are_two() -> None:
    run = scored_runs(classes=2)[0]
    moved = run.predicted.copy()
    moved[0] = 1 - moved[0] if moved.dtype.kind in "iu" else next(one for one in set(moved) if one != moved[0])
    found = assess(run, replace(run, predicted=moved)).differences["accuracy"]
    assert found.low < found.change < found.high
    assert assess(run, run).differences["accuracy"].high == 0


def tango(broken: int, fixed: int, rows: int) -> tuple[float, float]:
    """The 95 % score limits of a difference of paired proportions, by the formula of Tango 1998."""

    def score(change: float) -> float:
        one, two = 2 * rows, -broken - fixed + (2 * rows - fixed + broken) * change
        three = -broken * change * (1 - change)
        share = (np.sqrt(two**2 - 4 * one * three) - two) / (2 * one)
        variance = rows * (2 * share + change * (1 - change))
        return float((fixed - broken - rows * change) / np.sqrt(variance)) if variance > 1e-12 else 0.0

    found = (fixed - broken) / rows
    z = stats.norm.isf(0.025)
    low = optimize.brentq(lambda at: score(at) - z, -1 + 1e-9, found - 1e-9)
    return low, optimize.brentq(lambda at: score(at) + z, found + 1e-9, 1 - 1e-9)


@pytest.mark.parametrize(
    ("broken", "fixed", "rows"), [(0, 1, 44), (1, 7, 21), (3, 9, 50), (16, 25, 200), (60, 90, 1_000)]
)
def test_limits_of_accuracy_are_hardly_surer_than_score_limits_and_not_much_wider(
    broken: int, fixed: int, rows: int
) -> None:
    """Tango's limits hold their level on average; ours, for few rows, also in the worst case."""
    label = np.arange(rows) % 2
    first, second = label.copy(), label.copy()
    second[:broken] = 1 - label[:broken]
    first[broken : broken + fixed] = 1 - label[broken : broken + fixed]
    found = paired_differences(joint_table(pair(*two_runs(list(zip(label, first, second, strict=True))))))["accuracy"]
    low, high = tango(broken, fixed, rows)
    width = high - low
    assert found.low <= low + 0.06 * width
    assert found.high >= high - 0.06 * width
    assert found.high - found.low < 1.5 * width


def test_a_rare_class_is_judged_by_its_own_changed_rows_however_many_changed_elsewhere() -> None:
    """Six of ten rows of a class fixed and none broken, beside a hundred that traded places in others."""
    rows = [(2, 0, 2)] * 6 + [(2, 2, 2)] * 4 + [(0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1)] * 50 + [(0, 0, 0)] * 500
    alone = class_differences(joint_table(pair(*two_runs(rows[:10] + rows[-500:]))), LETTERS[:3])["c"]
    found = class_differences(joint_table(pair(*two_runs(rows))), LETTERS[:3])["c"]
    exact = mcnemar_p(0, 6)
    assert alone.p_value == pytest.approx(found.p_value, abs=0.01)
    assert found.p_value == pytest.approx(exact, abs=0.01)


def test_a_metric_that_a_rare_class_decides_is_judged_by_its_changed_rows() -> None:
    """Six of thirty rows fixed and one broken is a fair coin's work in 1 of 14, whatever changed in other classes.

    In 1 of 8, but that in half of the ways in which as many trade places the other class brings the change below.
    """
    rare = [(1, 0, 1)] * 6 + [(1, 1, 0)] + [(1, 1, 1)] * 10 + [(1, 0, 0)] * 13
    rows = rare + [(0, 0, 1), (0, 1, 0)] * 60 + [(0, 0, 0)] * 600 + [(0, 1, 1)] * 250
    found = paired_differences(joint_table(pair(*two_runs(rows))))["balanced_accuracy"]
    assert found.change == pytest.approx(5 / 60)
    assert found.p_value == pytest.approx((2 + 7) / 128, abs=0.01)
    assert found.verdict == "no clear difference"
    assert found.low < 0


def test_a_metric_that_many_rows_decide_is_judged_as_before() -> None:
    """Classes of one size: as many rows decide as changed, and none is few, so that limits are those of percentiles."""
    rows = [(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)] * 30 + [(0, 0, 0), (1, 1, 1)] * 200 + [(1, 0, 1)] * 20
    found = paired_differences(joint_table(pair(*two_runs(rows))))
    widths = {key: found[key].high - found[key].low for key in METRICS}
    assert widths["balanced_accuracy"] == pytest.approx(widths["accuracy"], rel=0.05)
    assert widths["mcc"] == pytest.approx(2 * widths["accuracy"], rel=0.05)
