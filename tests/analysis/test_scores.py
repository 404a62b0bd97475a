"""ROC AUC, log loss, Brier score: scikit-learn's values, DeLong's variance, limits that resampling rows confirms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from expctl.analysis import scores as module
from expctl.analysis.difference import Difference
from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.scores import score_differences
from expctl.analysis.significance import assess
from tests.analysis import LETTERS, predictions, probabilities, taken


def differences(first: RunPredictions, second: RunPredictions, confidence: float = 0.95) -> dict[str, Difference]:
    return score_differences(first, second, pair(first, second), confidence=confidence)


def scored(labels: np.ndarray, scores: np.ndarray, kind: str = "probability", classes: int | None = None):
    known = list(LETTERS[: classes or max(scores.shape[1], 2)])
    said = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    return predictions(labels, said, classes=known, scores=scores, score_kind=kind, score_classes=known)


def sample(rows: int, one: list[float], other: list[float], shares: list[float]):
    """Labels and the probabilities of two models of certain strengths; some rows are as hard for both."""
    labels = np.random.default_rng(1).choice(len(shares), rows, p=shares)
    first, second = probabilities(labels, one, 2), probabilities(labels, other, 3)
    same = np.random.default_rng(4).random(rows) < 0.3
    return labels, first, np.where(same[:, None], first, second)


BINARY = sample(250, [1.0, 1.0], [1.6, 1.6], [0.6, 0.4])
MANY = sample(300, [0.0, 5.0, 1.0], [5.0, 0.0, 1.0], [0.25, 0.25, 0.5])


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    if scores.shape[1] == 3:
        return float(sk.roc_auc_score(labels, scores, multi_class="ovr", average="weighted", labels=[0, 1, 2]))
    return float(sk.roc_auc_score(labels, scores[:, -1]))


def loss(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(sk.log_loss(labels, scores, labels=range(scores.shape[1])))


def brier(labels: np.ndarray, scores: np.ndarray) -> float:
    """As scikit-learn defines it; of many classes it has it from 1.7 on."""
    if scores.shape[1] == 2:
        return float(sk.brier_score_loss(labels, scores[:, 1]))
    return float(((scores - np.eye(scores.shape[1])[labels]) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("data", [BINARY, MANY], ids=["two classes", "three classes"])
def test_values_are_those_of_scikit_learn(data) -> None:
    labels, one, other = data
    found = differences(scored(labels, one), scored(labels, other))
    assert set(found) == {"roc_auc", "log_loss", "brier_score"}
    for key, measure in (("roc_auc", auc), ("log_loss", loss), ("brier_score", brier)):
        expected = (measure(labels, one), measure(labels, other))
        assert (found[key].baseline, found[key].challenger) == pytest.approx(expected, abs=1e-12)


def test_decision_scores_have_an_auc_and_no_log_loss() -> None:
    labels, one, other = BINARY
    one, other = (np.log(scores[:, 1:] / scores[:, :1]) for scores in (one, other))
    found = differences(scored(labels, one, "decision"), scored(labels, other, "decision"))
    assert set(found) == {"roc_auc"}
    expected = [sk.roc_auc_score(labels, scores[:, 0]) for scores in (one, other)]
    assert [found["roc_auc"].baseline, found["roc_auc"].challenger] == pytest.approx(expected, abs=1e-12)


def test_probabilities_and_decisions_can_be_compared_by_auc() -> None:
    labels, one, other = BINARY
    found = differences(scored(labels, one), scored(labels, np.log(other[:, 1:] / other[:, :1]), "decision"))
    expected = differences(scored(labels, one), scored(labels, other))
    assert found == {"roc_auc": expected["roc_auc"]}  # the logarithm of the odds ranks as the probability does


def test_equal_scores_count_half() -> None:
    labels = np.array([0, 1, 0, 1, 1, 0, 0, 1] * 5)
    tied = np.array([0.5, 0.5, 0.2, 0.5, 0.9, 0.9, 0.5, 0.2] * 5)
    one, other = (np.stack([1 - up, up], axis=1) for up in (tied, np.full(40, 0.5)))
    found = differences(scored(labels, one), scored(labels, other))["roc_auc"]
    assert found.baseline == pytest.approx(sk.roc_auc_score(labels, tied), abs=1e-12)
    assert found.challenger == 0.5


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_probability_of_zero_is_clipped_as_scikit_learn_clips_it(kind: type) -> None:
    """By the precision of the scores: a loss of 36 in float64, of 16 in float32."""
    labels = np.array([0, 1, 0, 1] * 10)
    one = np.array([[1, 0], [1, 0], [0.75, 0.25], [0.5, 0.5]] * 10, dtype=kind)
    other = np.array([[0.5, 0.5]] * 40, dtype=kind)
    found = differences(scored(labels, one), scored(labels, other))["log_loss"]
    assert found.baseline == pytest.approx(loss(labels, one), rel=1e-6 if kind is np.float32 else 1e-12)
    assert np.isfinite([found.low, found.high, found.p_value]).all()


def of_draws(key: str, labels: np.ndarray, scores: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The metric of each draw of rows, shape (resamples, n): AUC as a rank sum. For these tests alone."""
    if key == "brier_score":
        figures = ((scores - np.eye(scores.shape[1])[labels]) ** 2).sum(axis=1)
        return np.asarray(figures[drawn].mean(axis=1) / (2 if scores.shape[1] == 2 else 1))
    if key == "log_loss":
        return np.asarray(-np.log(scores[np.arange(len(labels)), labels])[drawn].mean(axis=1))
    total, rows = np.zeros(len(drawn)), drawn.shape[1]
    for k in range(scores.shape[1]) if scores.shape[1] > 2 else [1]:
        ranks, up = stats.rankdata(scores[:, k][drawn], axis=1), (labels == k)[drawn]
        ups = up.sum(axis=1)
        area = ((ranks * up).sum(axis=1) - ups * (ups + 1) / 2) / (ups * (rows - ups))
        total = total + area * (ups / rows if scores.shape[1] > 2 else 1)
    return total


@pytest.mark.parametrize("data", [BINARY, MANY], ids=["two classes", "three classes"])
@pytest.mark.parametrize(("key", "measure"), [("roc_auc", auc), ("log_loss", loss), ("brier_score", brier)])
def test_limits_hold_what_resampling_rows_says_and_are_hardly_wider(data, key: str, measure) -> None:
    """4,000 times rows drawn with replacement, the first draws measured by scikit-learn. Of the three classes one gains
    and another loses: there the shares of the classes matter, too.
    """
    labels, one, other = data
    drawn = np.random.default_rng(6).integers(0, len(labels), (4_000, len(labels)))
    before, after = of_draws(key, labels, one, drawn), of_draws(key, labels, other, drawn)
    expected = [measure(labels[rows], other[rows]) for rows in drawn[:5]]
    assert after[:5] == pytest.approx(expected, abs=1e-12)
    found = differences(scored(labels, one), scored(labels, other))[key]
    low, high = np.percentile(after - before, [2.5, 97.5])
    assert found.low < low + 0.03 * (high - low)  # the noise of the draws
    assert found.high > high - 0.03 * (high - low)
    assert found.high - found.low < 1.35 * (high - low)


def delong(labels: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Of the difference of two AUCs, from all pairs of rows: DeLong's error, Welch's degrees of freedom, and the share
    in it of the row that matters most.
    """
    components = []
    for scores in (one, other):
        ups, downs = scores[labels == 1], scores[labels == 0]
        wins = (ups[:, None] > downs) + (ups[:, None] == downs) / 2
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    changes = [after - before for before, after in zip(*components, strict=True)]
    parts = [change.var(ddof=1) / len(change) for change in changes]
    freedom = sum(parts) ** 2 / sum(part**2 / (len(change) - 1) for part, change in zip(parts, changes, strict=True))
    auc = changes[0].mean()
    most = max(np.abs((change - auc) / len(change) + auc / len(labels)).max() for change in changes)
    return float(np.sqrt(sum(parts))), float(freedom), float(most)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_limits_of_an_auc_are_delongs_by_students_t_with_one_row_more(confidence: float) -> None:
    labels, one, other = BINARY
    found = differences(scored(labels, one), scored(labels, other), confidence)["roc_auc"]
    error, freedom, most = delong(labels, one[:, 1], other[:, 1])
    reach = most + stats.t(freedom).isf((1 - confidence) / 2) * np.hypot(error, most)
    assert (found.low, found.high) == pytest.approx((found.change - reach, found.change + reach), abs=1e-12)
    p_value = 2 * stats.t(freedom).sf((abs(found.change) - most) / np.hypot(error, most))
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_delongs_error_agrees_with_a_worked_example() -> None:
    """Placements by hand. Labels 1 1 1 0 0; the first model ranks them 5 4 2 3 1, the second 5 4 3 2 1.

    Of the first the placements of the positive are 1, 1, 1/2 and of the negative 2/3, 1 (AUC 5/6); the second is right
    of all. The differences are 0, 0, 1/2 and 1/3, 0, with variances 1/12 and 1/18: the squared error is 1/36 + 1/36.
    """
    labels = np.array([1, 1, 1, 0, 0])
    error, _, most = delong(labels, np.array([5, 4, 2, 3, 1]), np.array([5, 4, 3, 2, 1]))
    assert error**2 == pytest.approx(1 / 36 + 1 / 36)
    assert most == pytest.approx((1 / 2 - 1 / 6) / 3 + 1 / 30)
    names, place = ["a", "b"], np.arange(5)
    run = predictions(labels, labels, classes=names, scores=np.array([[5], [4], [2], [3], [1]]) / 1.0)
    run = replace(run, score_kind="decision", score_classes=names)
    other = replace(run, scores=np.array([[5], [4], [3], [2], [1]]) / 1.0)
    pairing = pair(run, other)
    one, two = (module.placements(each, place, pairing) for each in (run, other))
    assert one is not None
    assert two is not None
    found = module.mean_difference("roc_auc", one, two, labels, confidence=0.95)
    assert (found.baseline, found.challenger) == pytest.approx((5 / 6, 1))
    freedom = (2 / 36) ** 2 / ((1 / 36) ** 2 / 2 + (1 / 36) ** 2 / 1)
    reach = most + stats.t(freedom).isf(0.025) * np.hypot(error, most)
    assert found.high - found.change == pytest.approx(reach)


def test_of_many_rows_the_limits_are_the_normal_ones() -> None:
    labels, one, other = sample(21_000, [1.0, 1.0], [1.1, 1.1], [0.6, 0.4])
    found = differences(scored(labels, one), scored(labels, other))
    error = delong(labels[:4_000], one[:4_000, 1], other[:4_000, 1])[0] * np.sqrt(4_000 / 21_000)
    low, high = stats.norm.interval(0.95, found["roc_auc"].change, error)
    assert (found["roc_auc"].low, found["roc_auc"].high) == pytest.approx((low, high), abs=0.03 * (high - low))
    place = np.arange(len(labels))
    low, high = stats.ttest_rel(*(-np.log(scores[place, labels]) for scores in (other, one))).confidence_interval(0.95)
    assert (found["log_loss"].low, found["log_loss"].high) == pytest.approx((low, high), abs=0.03 * (high - low))


def test_models_that_rank_all_rows_alike_are_not_sure_to_do_so_elsewhere() -> None:
    """Both without a mistake on 20 rows of the rarer class: no difference, and limits as wide as three of 20 rows."""
    labels = np.array([0] * 80 + [1] * 20)
    one, other = (np.stack([1 - up, up], axis=1) for up in (0.2 + 0.6 * labels, 0.1 + 0.8 * labels))
    found = differences(scored(labels, one), scored(labels, other))["roc_auc"]
    assert (found.change, found.p_value) == (0, 1)
    assert found.high == -found.low == pytest.approx((1 + stats.t(19).isf(0.025)) / 20, rel=1e-9)


def test_too_few_rows_of_the_rarer_class_are_not_tested_and_the_reason_is_given() -> None:
    labels = np.array([0] * 80 + [1] * 19)
    scores = np.stack([np.linspace(0.1, 0.9, 99), np.linspace(0.9, 0.1, 99)], axis=1)
    run = scored(labels, scores)
    assert differences(run, run) == {}
    tested = assess(run, run)
    reason = "only 19 of the 99 test rows are not of the most frequent class; 20 are needed"
    assert tested.untested == dict.fromkeys(("roc_auc", "log_loss", "brier_score"), reason)
    assert assess(replace(run, scores=None), replace(run, scores=None)).untested == {}
    more = taken(run, [*range(1, 80), *range(80, 99), 98])
    assert set(differences(more, more)) == {"roc_auc", "log_loss", "brier_score"}


def test_a_class_without_test_rows_leaves_the_auc_out_and_keeps_the_loss() -> None:
    labels, one, other = MANY
    rows = np.flatnonzero(labels != 1)
    found = differences(*(taken(scored(labels, scores), rows) for scores in (one, other)))
    assert set(found) == {"log_loss", "brier_score"}
    assert found["log_loss"].challenger == pytest.approx(loss(labels[rows], other[rows]), abs=1e-12)


def test_a_single_class_has_neither() -> None:
    labels, one, other = BINARY
    rows = np.flatnonzero(labels == 0)
    assert differences(*(taken(scored(labels, scores), rows) for scores in (one, other))) == {}


def test_a_label_that_a_model_never_saw_leaves_both_out() -> None:
    labels, one, other = MANY
    two = scored(np.minimum(labels, 1), other[:, :2] / other[:, :2].sum(axis=1, keepdims=True))
    two = replace(two, labels=labels, classes=list("abc"))
    assert differences(scored(labels, one), two) == {}


def test_without_scores_there_is_nothing_to_compare() -> None:
    labels, one, _ = BINARY
    silent = predictions(labels, labels)
    assert differences(scored(labels, one), silent) == differences(silent, silent) == {}


def test_decisions_between_many_classes_have_neither() -> None:
    labels, one, other = MANY
    assert differences(*(scored(labels, np.log(scores), "decision") for scores in (one, other))) == {}


def test_only_the_rows_that_both_have_count() -> None:
    labels, one, other = BINARY
    first, second = scored(labels, one), scored(labels, other)
    found = differences(taken(first, range(200)), taken(second, range(100, 250)))
    assert found == differences(taken(first, range(100, 200)), taken(second, range(100, 200)))


def test_a_lower_loss_is_better() -> None:
    labels, one, _ = BINARY
    sharper = probabilities(labels, [4.0, 4.0], 9)
    there = differences(scored(labels, one), scored(labels, sharper))
    assert (there["log_loss"].verdict, there["roc_auc"].verdict) == ("better", "better")
    assert there["log_loss"].high < 0 < there["roc_auc"].low
    back = differences(scored(labels, sharper), scored(labels, one))
    assert (back["log_loss"].verdict, back["roc_auc"].verdict) == ("worse", "worse")


def test_too_many_rows_times_classes_have_no_auc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting them takes longer than anyone waits; the log loss stays."""
    labels, one, other = MANY
    monkeypatch.setattr(module, "_PLACED", 899)
    assert set(differences(scored(labels, one), scored(labels, other))) == {"log_loss", "brier_score"}
