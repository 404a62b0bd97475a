"""The verdict on a second training: equal to the last bit, equal in what it says, or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from expctl.analysis.predictions import RunPredictions
from expctl.analysis.reproduction import Deviation, Reproduction, judge, program_metrics

METRICS = {"f1_score": 0.75, "fit_seconds": 1.0, "training_score": 0.9}
NOW = {"f1_score": 0.75, "fit_seconds": 2.0}


def predictions(**given: Any) -> RunPredictions:
    usual = RunPredictions(
        rows=np.array([5, 3, 9, 1]),
        keys=np.array([letter * 32 for letter in "abcd"], dtype="S32"),
        labels=np.array([0, 0, 1, 1]),
        predicted=np.array([0, 1, 1, 1]),
        classes=["ham", "spam"],
        scores=np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]),
        score_kind="probability",
        score_classes=["ham", "spam"],
    )
    return replace(usual, **given)


def judged(now: RunPredictions, metrics: Any = NOW, model: Any = ()) -> Reproduction:
    return judge(predictions(), now, METRICS, metrics, model, [])


def test_the_same_again_is_identical_whatever_time_it_took_and_whatever_others_logged() -> None:
    found = judged(predictions())
    assert (found.verdict, found.measured, found.metrics, found.scores) == ("identical", 1, [], 0.0)
    assert judged(predictions(), model=None).verdict == "identical"


def test_a_measure_that_came_after_the_run_does_not_count_until_the_run_has_it() -> None:
    assert judged(predictions(), metrics={**NOW, "oov": 0.1}).verdict == "identical"
    had = judge(predictions(), predictions(), {**METRICS, "oov": 0.2}, {**NOW, "oov": 0.1}, (), [])
    assert had.metrics == [("oov", 0.2, 0.1)]


def test_times_of_folds_do_not_count_either() -> None:
    folds = {"cv_fit_seconds_mean": 1.0, "cv_fit_seconds_std": 0.1, "cv_predict_seconds": 2.0, "cv_f1_score_mean": 0.7}
    found = judge(predictions(), predictions(), {**METRICS, **folds}, {**NOW, "cv_f1_score_mean": 0.7}, None, [])
    assert (found.verdict, found.measured) == ("identical", 2)


def test_names_of_classes_count_and_not_their_numbers() -> None:
    turned = predictions(classes=["spam", "ham"], labels=np.array([1, 1, 0, 0]), predicted=np.array([1, 0, 0, 0]))
    assert judged(turned).verdict == "identical"


def nudged() -> np.ndarray:
    scores = np.array(predictions().scores)
    scores[2, 0] = np.nextafter(scores[2, 0], 1)
    return scores


@pytest.mark.parametrize(
    ("now", "metrics", "model"),
    [
        (predictions(scores=nudged()), NOW, ()),
        (predictions(scores=predictions().scores.astype("float32")), NOW, ()),  # type: ignore[union-attr]
        (predictions(scores=None, score_kind="none"), NOW, ()),
        (predictions(score_classes=["spam", "ham"]), NOW, ()),
        (predictions(), {"f1_score": np.nextafter(0.75, 1)}, ()),
        (predictions(), {}, ()),
        (predictions(), {**NOW, "mcc": 0.5}, ()),
        (predictions(), NOW, ["classifier.coef_"]),
    ],
)
def test_a_last_bit_of_a_score_a_metric_or_the_model_leaves_the_predictions_only(now, metrics, model) -> None:
    assert judged(now, metrics, model).verdict == "same predictions"


def test_the_largest_change_of_a_score_is_told() -> None:
    scores = np.array(predictions().scores)
    scores[1] = [0.65, 0.35]
    assert judged(predictions(scores=scores)).scores == pytest.approx(0.25)


def test_one_other_prediction_differs_and_is_named_by_its_row() -> None:
    found = judged(predictions(predicted=np.array([0, 1, 0, 1])))
    assert (found.verdict, found.changed) == ("differs", [(9, "spam", "spam", "ham")])


def test_other_test_rows_differ_even_if_every_shared_one_gets_the_same_label() -> None:
    keys = predictions().keys.copy()
    keys[0] = b"z" * 32
    found = judged(predictions(keys=keys))
    assert (found.verdict, found.rows, found.test_rows, found.rows_now, found.changed) == ("differs", 3, 4, 4, [])


def test_rows_in_another_order_are_found_again() -> None:
    order = np.array([2, 0, 3, 1])
    usual = predictions()
    scores = np.array(usual.scores)[order]
    moved = predictions(
        rows=usual.rows[order], keys=usual.keys[order], labels=usual.labels[order], predicted=usual.predicted[order],
        scores=scores,
    )  # fmt: skip
    assert judged(moved).verdict == "identical"


def test_what_was_looked_at_beside_the_figures_is_part_of_the_verdict() -> None:
    suspects = [Deviation("environment", "numpy", "2.1", "2.2")]
    found = judge(predictions(), predictions(), METRICS, NOW, ["classifier.coef_"], suspects)
    assert (found.model, found.suspects) == (["classifier.coef_"], suspects)
    assert judged(predictions(), model=None).model is None


def test_a_score_that_is_nan_hides_no_change_of_another() -> None:
    then, now = (np.array(predictions().scores) for _ in range(2))
    then[0], now[0], now[1] = np.nan, np.nan, [0.5, 0.5]
    found = judge(predictions(scores=then), predictions(scores=now), METRICS, NOW, (), [])
    assert (found.verdict, found.scores) == ("same predictions", pytest.approx(0.1))


def test_without_predictions_the_metrics_decide() -> None:
    assert judge(None, None, {"loss": 0.5}, {"loss": 0.5}, None, [], keys=["loss"]).verdict == "identical"
    found = judge(None, None, {"loss": 0.5}, {"loss": 0.6}, None, [], keys=["loss"])
    assert (found.verdict, found.test_rows, found.metrics) == ("differs", 0, [("loss", 0.5, 0.6)])
    assert judge(predictions(), None, {}, {}, None, [], keys=[]).verdict == "differs"
    nan = float("nan")
    assert judge(None, None, {"loss": nan}, {"loss": nan}, None, [], keys=["loss"]).verdict == "identical"


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        (0.5, 0.52, "differs"), (0.5, 0.509, "within tolerance"), (500.0, 504.0, "within tolerance"),
        (500.0, 506.0, "differs"), (0.5, None, "differs"), (0.5, 0.5, "identical"),
    ],
)  # fmt: skip
def test_a_tolerance_is_absolute_up_to_one_and_a_share_beyond(then, now, verdict) -> None:
    after = {} if now is None else {"loss": now}
    assert judge(None, None, {"loss": then}, after, None, [], keys=["loss"], tolerance=0.01).verdict == verdict


def test_a_tolerance_is_a_share_of_the_rows_too() -> None:
    other = predictions(predicted=np.array([1, 1, 1, 1]))
    found = judge(predictions(), other, METRICS, METRICS, None, [], tolerance=0.25)
    assert (found.verdict, len(found.changed)) == ("within tolerance", 1)
    assert judge(predictions(), other, METRICS, METRICS, None, [], tolerance=0.2).verdict == "differs"


def test_times_of_a_program_are_known_by_their_words() -> None:
    named = ["val_acc", "epoch_time", "trainRuntime", "train_samples_per_second", "system/gpu_0", "fit_seconds", "bleu"]
    assert program_metrics(dict.fromkeys(named, 1.0), {"timely": 1.0}) == ["val_acc", "bleu", "timely"]
