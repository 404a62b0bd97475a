"""ROC AUC and log loss: scikit-learn's values, the intervals of resampling rows and DeLong's variance."""

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


@pytest.mark.parametrize("data", [BINARY, MANY], ids=["two classes", "three classes"])
def test_values_are_those_of_scikit_learn(data) -> None:
    labels, one, other = data
    found = differences(scored(labels, one), scored(labels, other))
    assert set(found) == {"roc_auc", "log_loss"}
    for key, measure in (("roc_auc", auc), ("log_loss", loss)):
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
    labels = np.array([0, 1, 0, 1, 1, 0, 0, 1])
    tied = np.array([0.5, 0.5, 0.2, 0.5, 0.9, 0.9, 0.5, 0.2])
    one, other = (np.stack([1 - up, up], axis=1) for up in (tied, np.full(8, 0.5)))
    found = differences(scored(labels, one), scored(labels, other))["roc_auc"]
    assert found.baseline == pytest.approx(sk.roc_auc_score(labels, tied), abs=1e-12)
    assert found.challenger == 0.5


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_probability_of_zero_is_clipped_as_scikit_learn_clips_it(kind: type) -> None:
    """By the precision of the scores: a loss of 36 in float64, of 16 in float32."""
    labels = np.array([0, 1, 0, 1])
    one = np.array([[1, 0], [1, 0], [0.75, 0.25], [0.5, 0.5]], dtype=kind)
    other = np.array([[0.5, 0.5]] * 4, dtype=kind)
    found = differences(scored(labels, one), scored(labels, other))["log_loss"]
    assert found.baseline == pytest.approx(loss(labels, one), rel=1e-6 if kind is np.float32 else 1e-12)
    assert np.isfinite([found.low, found.high, found.p_value]).all()


def of_draws(key: str, labels: np.ndarray, scores: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The metric of each draw of rows, shape (resamples, n): AUC as a rank sum. For these tests alone."""
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
@pytest.mark.parametrize(("key", "measure"), [("roc_auc", auc), ("log_loss", loss)])
def test_intervals_are_those_of_resampling_rows(data, key: str, measure) -> None:
    """4,000 times rows drawn with replacement, the first draws measured by scikit-learn. Tolerance: 6 % of the width.

    That is 2.5 times the noise of 1,000 and of 4,000 draws. Of the three classes one gains and another loses: there
    the shares of the classes matter, too.
    """
    labels, one, other = data
    drawn = np.random.default_rng(6).integers(0, len(labels), (4_000, len(labels)))
    before, after = of_draws(key, labels, one, drawn), of_draws(key, labels, other, drawn)
    expected = [measure(labels[rows], other[rows]) for rows in drawn[:5]]
    assert after[:5] == pytest.approx(expected, abs=1e-12)
    found = differences(scored(labels, one), scored(labels, other))[key]
    low, high = np.percentile(after - before, [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06 * (high - low))


def delong(labels: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Standard error of the difference of two AUCs, by DeLong's covariances, from all pairs of rows."""
    components = []
    for scores in (one, other):
        ups, downs = scores[labels == 1], scores[labels == 0]
        wins = (ups[:, None] > downs) + (ups[:, None] == downs) / 2
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    (up_one, down_one), (up_other, down_other) = components
    return float(
        np.sqrt((up_other - up_one).var(ddof=1) / len(up_one) + (down_other - down_one).var(ddof=1) / len(down_one))
    )


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_of_an_auc_is_delongs(confidence: float) -> None:
    """Tolerance: 5 % of the width: the noise of 1,000 resamples and the skew that DeLong's normal interval lacks."""
    labels, one, other = BINARY
    found = differences(scored(labels, one), scored(labels, other), confidence)["roc_auc"]
    low, high = stats.norm.interval(confidence, found.change, delong(labels, one[:, 1], other[:, 1]))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_beyond_twenty_thousand_rows_the_error_is_exactly_delongs() -> None:
    labels, one, other = sample(21_000, [1.0, 1.0], [1.1, 1.1], [0.97, 0.03])
    found = differences(scored(labels, one), scored(labels, other))["roc_auc"]
    low, high = stats.norm.interval(0.95, found.change, delong(labels, one[:, 1], other[:, 1]))
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-3 * (high - low))


@pytest.mark.parametrize("key", ["roc_auc", "log_loss"])
def test_many_rows_give_the_interval_that_resampling_them_gives(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, one, other = sample(21_000, [1.0, 1.0, 1.0], [1.02, 1.02, 1.02], [0.4, 0.3, 0.3])
    normal = differences(scored(labels, one), scored(labels, other))[key]
    monkeypatch.setattr(module, "_RESAMPLED_ROWS", 10**9)
    drawn = differences(scored(labels, one), scored(labels, other))[key]
    assert drawn != normal
    assert (drawn.low, drawn.high) == pytest.approx((normal.low, normal.high), abs=0.05 * (normal.high - normal.low))
    assert drawn.p_value == pytest.approx(normal.p_value, rel=0.5, abs=0.01)


def test_a_class_without_test_rows_leaves_the_auc_out_and_keeps_the_loss() -> None:
    labels, one, other = MANY
    rows = np.flatnonzero(labels != 1)
    found = differences(*(taken(scored(labels, scores), rows) for scores in (one, other)))
    assert set(found) == {"log_loss"}
    assert found["log_loss"].challenger == pytest.approx(loss(labels[rows], other[rows]), abs=1e-12)


def test_a_single_class_has_no_auc() -> None:
    labels, one, other = BINARY
    rows = np.flatnonzero(labels == 0)
    assert set(differences(*(taken(scored(labels, scores), rows) for scores in (one, other)))) == {"log_loss"}


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
    assert set(differences(scored(labels, one), scored(labels, other))) == {"log_loss"}
