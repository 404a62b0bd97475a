"""The table of metrics: directions are data, and details of a metric are not taken for metrics of their own."""

from __future__ import annotations

import pytest

from expctl.errors import UsageError
from expctl.metrics import (
    METRICS,
    check_direction,
    check_least,
    check_points,
    default_metric,
    higher_is_better,
    is_detail,
    known_metrics,
    metrics_of,
    names_a_time,
    near_metrics,
    nearest,
    quality_metrics,
    without_metric,
)


def test_the_table_holds_the_metrics_of_the_design() -> None:
    assert list(METRICS) == [
        "accuracy", "f1_score", "precision", "recall", "f1_macro", "balanced_accuracy", "mcc", "roc_auc", "log_loss",
        "brier_score", "r2", "rmse", "mae", "median_ae", "mape", "fit_seconds", "predict_seconds", "oov",
    ]  # fmt: skip
    assert all(metric.key == key and metric.label and metric.help for key, metric in METRICS.items())
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


def test_losses_and_times_are_better_lower_and_scores_higher() -> None:
    lower = {key for key, metric in METRICS.items() if not metric.higher_is_better}
    of_regression = {"rmse", "mae", "median_ae", "mape"}
    assert lower == {"log_loss", "brier_score", *of_regression, "fit_seconds", "predict_seconds", "oov"}


def test_what_a_metric_needs_says_where_it_comes_from() -> None:
    assert {key for key, metric in METRICS.items() if metric.needs == "clock"} == {"fit_seconds", "predict_seconds"}
    assert {key for key, metric in METRICS.items() if metric.needs == "scores"} == {
        "roc_auc",
        "log_loss",
        "brier_score",
    }
    assert {key for key, metric in METRICS.items() if not metric.is_quality_metric} == {
        "fit_seconds",
        "predict_seconds",
        "oov",
    }


def test_a_metric_is_of_one_task_but_for_those_of_any_training() -> None:
    assert quality_metrics("regression") == ["r2", "rmse", "mae", "median_ae", "mape"]
    assert quality_metrics("classification")[:2] == ["accuracy", "f1_score"]
    assert not {*quality_metrics("classification")} & {*quality_metrics("regression")}
    shared = {*metrics_of("classification")} & {*metrics_of("regression")}
    assert shared == {"fit_seconds", "predict_seconds", "oov"}
    assert {metric.needs for metric in METRICS.values() if metric.task == "regression"} == {"values"}


def test_runs_of_one_task_are_decided_by_its_metric_and_runs_of_two_by_none() -> None:
    assert default_metric(["classification", "classification"]) == "f1_score"
    assert default_metric(["regression"]) == "r2"
    assert default_metric(["regression", "classification"]) is None


@pytest.mark.parametrize("key", METRICS)
def test_the_direction_of_a_known_metric_is_that_of_the_table(key: str) -> None:
    assert higher_is_better(key) is METRICS[key].higher_is_better


@pytest.mark.parametrize("key", METRICS)
@pytest.mark.parametrize("form", ["{}_low", "{}_high", "cv_{}", "cv_{}_mean"])
def test_limits_and_cross_validation_means_have_the_direction_of_their_metric(key: str, form: str) -> None:
    assert higher_is_better(form.format(key)) is METRICS[key].higher_is_better


@pytest.mark.parametrize(
    ("key", "higher"),
    [
        ("val_loss", False), ("RMSE", False), ("mean_absolute_error", False), ("duration", False),
        ("latency_ms", False), ("cv_f1_score_std", False), ("training_score", True), ("hits_at_10", True),
        ("auc", True), ("neg_mean_squared_error", True), ("mean_test_neg_log_loss", True), ("val_accuracy", True),
        ("val_sparse_categorical_crossentropy", False), ("kullback_leibler_divergence", False), ("eval_wer", False),
        ("perplexity", False), ("eval_f1", True), ("train_samples_per_second", True), ("time_per_step", False),
        ("train_runtime", False), ("validation_0-mlogloss", False), ("test-merror-mean", False), ("aft-nloglik", False),
        ("error@0.5", False), ("valid_0-l2", False), ("ndcg@5", True), ("map@5", True), ("mape", False), ("r2", True),
        ("explained_variance", True), ("valRMSE", False), ("mse", False), ("msemble", True), ("ms_ssim", True),
        ("inference_ms", False), ("false_positive_rate", False), ("MeanAbsoluteError", False), ("bleu", True),
    ],
)  # fmt: skip
def test_the_direction_of_a_foreign_metric_is_judged_by_its_name(key: str, higher: bool) -> None:
    assert higher_is_better(key) is higher


def test_limits_deviations_and_folds_are_details_and_means_are_not() -> None:
    present = {
        "f1_score", "f1_score_low", "f1_score_high", "cv_f1_score", "cv_f1_score_mean", "cv_f1_score_std", "tide_low",
        "cv_skill",
    }  # fmt: skip
    assert {key for key in present if is_detail(key, present)} == {
        "f1_score_low", "f1_score_high", "cv_f1_score", "cv_f1_score_std",
    }  # fmt: skip


def test_runs_without_a_metric_are_told_the_closest_and_the_option_that_names_one() -> None:
    present = ["zebra", "f1_macro", "f1_score", "f1_score_low", "system/cpu", "cv_mcc_std", "mcc"]
    assert known_metrics(present) == ["f1_score", "f1_macro", "mcc", "zebra"]
    error = without_metric("no finished run has", "f1", present)
    assert (error.message, error.hint) == (
        "no finished run has f1, did you mean 'f1_score'?",
        "--metric f1_score, f1_macro, mcc, zebra",
    )
    assert without_metric("none has", "f1_score", ["f1_score"]).hint == "expctl list"
    many = without_metric("none has", "x", [f"m{i:02}" for i in range(99)], option="best:METRIC of ").hint
    assert many is not None
    assert (many.startswith("best:METRIC of m00, m01, "), many.endswith(", m14, ...")) == (True, True)


@pytest.mark.parametrize("metric", [None, "f1_score", "mcc", "roc_auc", "r2"])
def test_a_difference_of_scores_that_is_meant_in_percent_is_refused(metric: str | None) -> None:
    check_points(0.99, "--max-drop", metric)
    with pytest.raises(UsageError) as refused:
        check_points(2, "--max-drop", metric)
    assert str(refused.value).startswith("--max-drop 2 is 200 points; 0.01 is one")
    assert refused.value.hint == "--max-drop 0.02"


@pytest.mark.parametrize("metric", ["log_loss", "rmse", "mae", "mape", "fit_seconds", "business_value"])
def test_a_metric_without_an_end_differs_by_any_amount(metric: str) -> None:
    check_points(100, "--max-drop", metric)


@pytest.mark.parametrize(
    ("asked", "present", "near"),
    [
        ("accuracy", ["accuracy_score", "f1"], ["accuracy_score"]),
        ("accuracy", ["val_acc", "train_acc"], ["val_acc"]),
        ("f1_score", ["eval_f1", "eval_f1_macro"], ["eval_f1"]),
        ("roc_auc", ["test/rocAuc", "auc"], ["test/rocAuc"]),
        ("val_loss", ["loss", "test_loss"], ["loss", "test_loss"]),
        ("loss", ["eval_loss", "val_loss_std"], ["eval_loss"]),
        ("score", ["val_score"], ["val_score"]),
        ("train_loss", ["loss"], []),
        ("f1", [], []),
    ],
)
def test_a_metric_is_found_by_its_words_without_the_part_of_the_data(asked, present, near) -> None:
    assert near_metrics(asked, present) == near
    told: list[str] = []
    assert nearest(asked, present, told.append) == (near[0] if len(near) == 1 else asked)
    assert told == ([f"no run has {asked}: {near[0]} is taken"] if len(near) == 1 else [])


def test_several_that_are_called_alike_are_listed() -> None:
    error = without_metric("no finished run has", "loss", ["eval_loss", "val_loss", "f1"])
    assert (error.message, error.hint) == (
        "no finished run has loss, but eval_loss, val_loss",
        "--metric eval_loss, val_loss",
    )


def test_the_direction_of_a_metric_of_the_table_is_not_turned_round() -> None:
    check_direction("regret", True)
    check_direction("log_loss", False)
    check_direction("f1_score", None)
    with pytest.raises(UsageError, match="f1_score is better higher"):
        check_direction("f1_score", False)


def test_times_and_speeds_are_known_by_their_words() -> None:
    assert [names_a_time(key) for key in ("fps", "epoch_time", "system/x", "val_loss")] == [True, True, True, False]


@pytest.mark.parametrize("metric", ["f1_score", "mcc", "roc_auc"])
def test_a_bound_that_is_meant_in_percent_is_refused(metric: str) -> None:
    check_least(1, metric)
    with pytest.raises(UsageError) as refused:
        check_least(90, metric)
    assert str(refused.value).startswith(f"--min 90 is more than {metric} can be: 1 is all of it")
    assert refused.value.hint == "--min 0.9"


@pytest.mark.parametrize("metric", ["log_loss", "business_value"])
def test_a_metric_without_an_end_has_any_bound(metric: str) -> None:
    check_least(90, metric)
