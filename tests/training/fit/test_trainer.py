"""One training: the numbers of plain scikit-learn to the last bit, the same again every time, failures told as such."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.training.data.dataset import Split, feature_frame, load_split
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.fit.trainer import TrainResult, check_fit, fold_positions, predictions_frame, train
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from expctl.training.tasks.protocol import Predictions
from tests.conftest import REVIEWS, real_data

if TYPE_CHECKING:
    from pathlib import Path

    from expctl.recipe import Recipe


def rows(texts: list[str], labels: list[Any], *, start: int = 0) -> Rows:
    kind: Any = object if isinstance(labels[0], str) else None
    frame = feature_frame({"text": texts}, range(start, start + len(texts)))
    return Rows(frame, np.array(labels, dtype=kind), text_hashes(texts))


def split_of(train_rows: Rows, test_rows: Rows) -> Split:
    return Split(train_rows, test_rows, train_rows.take([]), "0" * 64, "1" * 64, 1, len(train_rows) + len(test_rows))


def easy(count: int, labels: tuple[Any, Any] = ("neg", "pos"), *, start: int = 0) -> Rows:
    texts = [f"the {('film', 'meal', 'song')[i % 3]} was {('awful', 'great')[i % 2]} {i % 7}x" for i in range(count)]
    return rows(texts, [labels[i % 2] for i in range(count)], start=start)


def trained(recipe: Recipe, split: Split, **more: Any) -> TrainResult:
    return train(recipe, split, build_pipeline(recipe), **more)


def small(**given: Any) -> TrainResult:
    return trained(configure({"data": "a.csv", **given}), split_of(easy(60), easy(30, start=60)))


def plain_scikit_learn(path: Path, c: float, max_features: int) -> tuple[float, float, list[str], list[list[float]]]:
    """What somebody would write without us. Knows nothing of expctl."""
    frame = pd.read_csv(path)
    texts_train, texts_test, labels_train, labels_test = train_test_split(
        frame["text"], frame["label"], test_size=0.2, random_state=42
    )
    vectorizer = TfidfVectorizer(max_features=max_features)
    model = LogisticRegression(C=c, max_iter=1000)
    model.fit(vectorizer.fit_transform(texts_train), labels_train)
    features = vectorizer.transform(texts_test)
    predicted = model.predict(features)
    return (
        accuracy_score(labels_test, predicted),
        f1_score(labels_test, predicted, average="weighted"),
        predicted.tolist(),
        model.predict_proba(features).tolist(),
    )


@cache
def split_without_stratifying(path: Path) -> Split:
    return load_split(configure({"data": str(path), "stratify": False}))


@pytest.mark.parametrize("max_features", [1000, 5000, 10000])
@pytest.mark.parametrize("c", [0.1, 1, 10])
@pytest.mark.parametrize("data", ["sentiment3k.csv", "reviews.csv"])
def test_the_numbers_are_those_of_plain_scikit_learn_to_the_last_bit(data: str, c: float, max_features: int) -> None:
    path = REVIEWS if data == "reviews.csv" else real_data(data)
    recipe = configure({"data": str(path), "stratify": False, "c": str(c), "max_features": str(max_features)})
    result = trained(recipe, split_without_stratifying(path))
    assert (
        result.metrics["accuracy"],
        result.metrics["f1_score"],
        result.predictions["prediction"].tolist(),
        [scores.tolist() for scores in result.predictions["scores"]],
    ) == plain_scikit_learn(path, c, max_features)


@pytest.mark.parametrize("model", ["logreg", "linear_svm", "sgd", "random_forest"])
def test_the_same_recipe_gives_the_same_predictions(model: str) -> None:
    one, two = small(model=model), small(model=model)
    pd.testing.assert_frame_equal(one.predictions, two.predictions, check_exact=True)
    timed = {"fit_seconds", "predict_seconds"}
    assert {k: v for k, v in one.metrics.items() if k not in timed} == {
        k: v for k, v in two.metrics.items() if k not in timed
    }
    assert one.test_set == two.test_set
    pd.testing.assert_frame_equal(one.sample, two.sample)


def test_the_random_state_reaches_the_model() -> None:
    one, other = small(model="dummy", strategy="uniform"), small(model="dummy", strategy="uniform", random_state=1)
    assert one.predictions["prediction"].tolist() != other.predictions["prediction"].tolist()


def test_a_test_row_is_recorded_with_its_number_hash_label_prediction_and_scores() -> None:
    result = small()
    assert list(result.predictions) == ["row", "text_hash", "label", "prediction", "scores"]
    assert result.predictions["row"].tolist() == list(range(60, 90))
    assert result.predictions["label"].tolist() == result.split.test.labels.tolist()
    probabilities = result.pipeline.predict_proba(result.split.test.frame)
    assert [scores.tolist() for scores in result.predictions["scores"]] == probabilities.tolist()
    assert "scores" not in small(model="linear_svm").evaluation.metrics
    assert [len(scores) for scores in small(model="linear_svm").predictions["scores"]] == [1] * 30


def test_the_sample_shows_ten_test_rows_as_they_are() -> None:
    result = small()
    assert len(result.sample) == 10
    for row, text, label, prediction in result.sample.itertuples(index=False):
        place = result.split.test.frame.index.get_loc(row)
        assert result.split.test.frame["text"].loc[row] == text
        assert result.split.test.labels[place] == label
        assert result.predictions["prediction"][place] == prediction
    assert result.sample["row"].tolist() != sorted(result.sample["row"])


def test_progress_tells_each_stage_in_order() -> None:
    told: list[str] = []
    recipe = configure({"data": "a.csv", "cv": 2})
    trained(recipe, split_of(easy(60), easy(30)), progress=told.append)
    assert told == ["fold 1 of 2", "fold 2 of 2", "fitting logreg on 60 rows", "evaluating on 30 rows"]


def test_cross_validation_measures_each_fold_of_the_training_rows() -> None:
    recipe = configure({"data": "a.csv", "cv": 3, "max_features": 3})
    train_rows = easy(61)
    result = trained(recipe, split_of(train_rows, easy(30)))
    assert len(result.folds) == 3
    for fold, (fit_on, measure_on) in zip(result.folds, fold_positions(recipe, train_rows), strict=True):
        alone = build_pipeline(recipe).fit(train_rows.take(fit_on).frame, train_rows.labels[fit_on])
        predicted = alone.predict(train_rows.take(measure_on).frame)
        assert fold["accuracy"] == accuracy_score(train_rows.labels[measure_on], predicted)
        assert {"f1_score", "roc_auc", "fit_seconds", "predict_seconds"} <= set(fold)


def test_cross_validation_leaves_no_trace_in_the_model() -> None:
    recipe, split = configure({"data": "a.csv", "model": "sgd", "loss": "log_loss"}), split_of(easy(60), easy(30))
    remembering = [build_pipeline(recipe).set_params(classifier__warm_start=True) for _ in range(2)]
    without, after = (train(replace(recipe, cv=cv), split, p) for cv, p in zip((None, 3), remembering, strict=True))
    pd.testing.assert_frame_equal(after.predictions, without.predictions, check_exact=True)


def test_without_cv_there_are_no_folds() -> None:
    assert small().folds == []


def test_folds_are_the_same_for_all_parameters_so_that_trials_can_be_compared() -> None:
    some = rows([f"text {i}" for i in range(61)], ["neg"] * 40 + ["pos"] * 21)
    labels = some.labels

    def folds(**given: Any) -> list[list[list[int]]]:
        recipe = configure({"data": "a.csv", "cv": 5, **given})
        return [[part.tolist() for part in fold] for fold in fold_positions(recipe, some)]

    assert folds(c=0.1) == folds(c=10) == folds(model="ridge", max_features=7)
    assert folds(random_state=1) != folds()
    assert [sorted([*fit_on, *measure_on]) for fit_on, measure_on in folds()] == [list(range(61))] * 5
    assert sorted(place for _, measured in folds() for place in measured) == list(range(61))
    assert {sum(labels[i] == "pos" for i in measured) for _, measured in folds()} == {4, 5}
    assert {sum(labels[i] == "pos" for i in measured) for _, measured in folds(stratify=False)} > {4, 5}


def test_an_estimator_that_raises_is_a_failed_training_with_its_first_line() -> None:
    with pytest.raises(TrainingFailed) as failed:
        small(dual=True)
    assert failed.value.message == "ValueError: Solver lbfgs supports only dual=False, got dual=True"
    assert isinstance(failed.value.__cause__, ValueError)


@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize("method", ["fit", "predict", "predict_proba"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("\n  first\nsecond"), "RuntimeError: first"),
        (RuntimeError(), "RuntimeError: no reason given"),
        (MemoryError(), "out of memory"),
    ],
)
def test_whatever_the_estimator_raises_wherever_is_a_failed_training(
    monkeypatch: pytest.MonkeyPatch, method: str, error: Exception, message: str, cv: int | None
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(LogisticRegression, method, broken)
    with pytest.raises(TrainingFailed) as failed:
        small(cv=cv) if cv else small()
    assert failed.value.message == message


def test_an_interrupt_is_no_failed_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LogisticRegression, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small()


def test_what_fitting_warns_of_is_collected_once_and_not_raised() -> None:
    result = small(max_iter=1, cv=3)
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith(f"{ConvergenceWarning.__name__}: lbfgs failed to converge")
    assert small().warnings == []


@pytest.mark.parametrize(
    ("texts", "given"),
    [
        (["the", "and of", "a"], {"stop_words": "english"}),
        (["a", "b c", "I"], {}),
        (["!!!", "😀", "?"], {}),
        (["one", "two", "three"], {"ngram_min": 2, "ngram_max": 2}),
    ],
    ids=["stop words", "single letters", "signs", "no pair of words"],
)
def test_texts_without_a_single_term_are_told_before_training(texts: list[str], given: dict[str, Any]) -> None:
    recipe = configure({"data": "a.csv", **given})
    with pytest.raises(DataError) as refused:
        check_fit(recipe, build_pipeline(recipe), split_of(rows(texts, ["x", "y", "x"]), rows(["fine film"], ["x"])))
    assert refused.value.message == "no term in any training text: they hold only stop words, single letters or signs"
    assert refused.value.hint is not None
    assert "analyzer=char_wb" in refused.value.hint


@pytest.mark.parametrize(
    ("texts", "given"),
    [
        (["!!!", "?", "film"], {}),
        (["!!!", "😀", "?"], {"analyzer": "char"}),
        (["这部电影很好看", "不好", "很差"], {}),
        (["فيلم رائع", "سيئ", "جيد"], {}),
    ],
    ids=["one word", "signs by character", "Chinese", "Arabic"],
)
def test_texts_with_a_term_somewhere_are_trained_on(texts: list[str], given: dict[str, Any]) -> None:
    recipe = configure({"data": "a.csv", **given})
    split = split_of(rows(texts, ["x", "y", "x"]), rows(texts, ["x", "y", "x"]))
    check_fit(recipe, build_pipeline(recipe), split)
    assert len(trained(recipe, split).predictions) == 3


def test_a_term_needed_in_more_rows_than_there_are_is_a_wrong_parameter() -> None:
    recipe = configure({"data": "a.csv", "min_df": 10**9})
    with pytest.raises(UsageError, match="min_df 1000000000 is more than the 60 training rows"):
        check_fit(recipe, build_pipeline(recipe), split_of(easy(60), easy(30)))
    for allowed in (60, 1.0):
        recipe = configure({"data": "a.csv", "min_df": allowed})
        check_fit(recipe, build_pipeline(recipe), split_of(easy(60), easy(30)))


def test_a_class_only_the_test_rows_have_leaves_ranking_metrics_out_and_never_gives_nan() -> None:
    test = rows(["great film", "awful meal", "odd song"], ["pos", "neg", "strange"])
    result = trained(configure({"data": "a.csv"}), split_of(easy(60), test))
    assert not {"roc_auc", "log_loss"} & set(result.metrics)
    assert all(np.isfinite(value) for value in result.metrics.values())
    assert result.metrics["accuracy"] == 2 / 3
    assert json.loads(result.evaluation.files["per_class.json"])["strange"]["support"] == 1


@pytest.mark.parametrize("labels", [(0, 1), (False, True), (1.0, 2.0), ("neg", "pos")])
@pytest.mark.parametrize("model", ["logreg", "linear_svm", "naive_bayes", "random_forest"])
def test_labels_are_predicted_in_the_type_they_were_given_in(labels: tuple[Any, Any], model: str) -> None:
    recipe = configure({"data": "a.csv", "model": model})
    result = trained(recipe, split_of(easy(60, labels), easy(30, labels)))
    predicted = result.predictions["prediction"].tolist()
    assert predicted == [labels[i % 2] for i in range(30)]
    assert {type(value) for value in predicted} == {type(labels[0])}
    assert result.metrics["accuracy"] == 1.0
    assert result.metrics["roc_auc"] == 1.0


def test_training_leaves_the_callers_split_alone() -> None:
    split = split_of(easy(60), easy(30))
    split.train.frame["stars"] = 1.0
    split.test.frame["stars"] = 1.0
    recipe = configure({"data": "a.csv"})
    result = trained(recipe, split)
    assert list(split.train.frame) == ["text", "stars"]
    assert list(result.example) == ["text"]


def test_with_dedupe_copies_are_in_one_fold_and_every_row_is_measured_once() -> None:
    texts = [f"text {i % 23}" for i in range(61)]
    some = rows(texts, ["neg" if i % 23 < 12 else "pos" for i in range(61)])
    for stratify in (True, False):
        recipe = configure({"data": "a.csv", "cv": 4, "dedupe": True, "stratify": stratify})
        folds = fold_positions(recipe, some)
        assert sorted(place for _, measured in folds for place in measured) == list(range(61))
        for fit_on, measure_on in folds:
            assert sorted([*fit_on, *measure_on]) == list(range(61))
            assert not {texts[i] for i in fit_on} & {texts[i] for i in measure_on}


def test_the_share_of_unknown_terms_and_rows_without_a_known_one_are_recorded() -> None:
    test = rows(["the film", "the qux", "qux quux", "!"], ["neg", "pos", "neg", "pos"])
    result = trained(configure({"data": "a.csv"}), split_of(easy(60), test))
    assert result.metrics["oov"] == (0 + 0.5 + 1) / 3
    assert [(finding.key, finding.count) for finding in result.data_issues] == [("unknown_rows", 2)]


def test_where_no_test_row_has_a_term_there_is_no_share() -> None:
    result = trained(configure({"data": "a.csv"}), split_of(easy(60), rows(["!", "?"], ["neg", "pos"])))
    assert "oov" not in result.metrics
    assert [finding.count for finding in result.data_issues] == [2]


def test_a_strict_training_refuses_test_rows_without_a_known_term() -> None:
    recipe, unknown = configure({"data": "a.csv"}), rows(["qux", "the film"], ["neg", "pos"])
    with pytest.raises(DataError, match=r"^1 of 2 test rows has no term that the model knows"):
        trained(recipe, split_of(easy(60), unknown), strict=True)
    assert trained(recipe, split_of(easy(60), easy(30)), strict=True).data_issues == []


def test_texts_are_recorded_by_their_hash_only() -> None:
    texts = ["secret one", "two"]
    rows = Rows(feature_frame({"text": texts}, [7, 9]), np.array(["a", "b"], dtype=object), text_hashes(texts))
    frame = predictions_frame(Predictions(rows.labels, rows.labels, None, "none", rows.labels, 0.0), rows)
    assert list(frame) == ["row", "text_hash", "label", "prediction"]
    assert frame["row"].tolist() == [7, 9]
    assert frame["text_hash"].tolist() == [digest.decode() for digest in text_hashes(texts).tolist()]
    assert all(len(digest) == 32 for digest in frame["text_hash"])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_columns_without_a_value_in_the_training_rows_end_no_family(tmp_path: Path, task: str) -> None:
    """Nor in a fold alone: `rare` has a value in one row."""
    lines = [f"{i % 7},,NA,{'5' if i == 3 else ''},{'pq'[i % 2]},{(i % 5) + 0.5}" for i in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["size,none,na,rare,town,y", *lines]) + "\n")
    kinds = {"size": "numeric", "none": "numeric", "na": "numeric", "rare": "numeric"}
    columns, target = ({**kinds, "town": "categorical"}, "y") if task == "regression" else (kinds, "town")
    data = {"data": str(tmp_path / "a.csv"), "target": target, "task": task, "columns": columns, "cv": 4}
    split = load_split(configure(data))
    for model, family in families_of(task, columns).items():
        if not family.packages:
            given = {key: 5 for key in ("max_iter", "n_estimators") if key in family.by_key}
            result = trained(configure({**data, "model": model, **given}), split)
            assert (len(result.folds), len(result.predictions)) == (4, 8), model
