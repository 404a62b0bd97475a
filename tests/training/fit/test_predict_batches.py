"""Predictions for tables of any length: every row answered, every column kept, whatever the size of the pieces."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.training.data.dataset import feature_frame
from expctl.training.data.oov import Seen
from expctl.training.data.tables import chunks
from expctl.training.fit import predict_batches
from expctl.training.fit.predict_batches import predicted_chunks
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from expctl.training.data.table_formats import TableColumns

TEXT = {"text": "string"}


@pytest.fixture(scope="module")
def model() -> Pipeline:
    return fitted(["neg", "pos"])


def fitted(labels: list[Any], **given: Any) -> Pipeline:
    texts = [f"a {('bad', 'good', 'odd')[i % len(labels)]} film {i % 5}z" for i in range(30)]
    pipeline = build_pipeline(configure({"data": "a.csv", **given}))
    return pipeline.fit(feature_frame({"text": texts}, range(30)), [labels[i % len(labels)] for i in range(30)])


def predicted(estimator: Any, *pieces: TableColumns, inputs: Any = TEXT, **more: Any) -> list[TableColumns]:
    return list(predicted_chunks(estimator, inputs, pieces, name="in.csv", **more))


def test_predictions_follow_the_columns_of_the_input(model: Pipeline) -> None:
    given_piece = {"id": ["1", "2"], "text": ["good", "bad"], "note": [None, "x"]}
    (piece,) = predicted(model, given_piece)
    assert list(piece.items()) == [*given_piece.items(), ("prediction", ["pos", "neg"])]


def test_a_missing_text_gets_a_missing_prediction_and_the_others_theirs(model: Pipeline) -> None:
    (piece,) = predicted(model, {"text": [None, "good", None, "bad", float("nan")]}, proba=True)
    assert piece["prediction"] == [None, "pos", None, "neg", None]
    assert [score is None for score in piece["proba_pos"]] == [True, False, True, False, True]


def test_a_piece_without_a_text_or_without_rows_still_has_the_columns(model: Pipeline) -> None:
    assert predicted(model, {"text": [None, None]}, {"text": []}, proba=True) == [
        {"text": [None, None], "prediction": [None] * 2, "proba_neg": [None] * 2, "proba_pos": [None] * 2},
        {"text": [], "prediction": [], "proba_neg": [], "proba_pos": []},
    ]


def test_probabilities_are_named_after_classes_sum_to_one_and_are_the_models_own(model: Pipeline) -> None:
    texts = ["good film", "bad", "neither nor"]
    (piece,) = predicted(model, {"text": texts}, proba=True)
    assert list(piece) == ["text", "prediction", "proba_neg", "proba_pos"]
    rows = list(zip(piece["proba_neg"], piece["proba_pos"], strict=True))
    assert [list(row) for row in rows] == model.predict_proba(feature_frame({"text": texts}, range(3))).tolist()
    assert [sum(row) for row in rows] == pytest.approx([1, 1, 1])
    winners = [("neg", "pos")[row.index(max(row))] for row in rows]
    assert piece["prediction"] == winners


def test_probabilities_of_three_classes_sum_to_one() -> None:
    (piece,) = predicted(fitted([0, 1, 2]), {"text": ["good", "odd"]}, proba=True)
    assert [key for key in piece if key.startswith("proba_")] == ["proba_0", "proba_1", "proba_2"]
    assert [sum(row) for row in zip(piece["proba_0"], piece["proba_1"], piece["proba_2"], strict=True)] == (
        pytest.approx([1, 1])
    )


@pytest.mark.parametrize("labels", [[0, 1], [False, True], [1.0, 2.0], ["neg", "pos"]])
def test_labels_come_back_as_plain_values_of_their_type(labels: list[Any]) -> None:
    (piece,) = predicted(fitted(labels), {"text": ["bad", "good"]})
    assert piece["prediction"] == labels
    assert [type(label) for label in piece["prediction"]] == [type(label) for label in labels]


def test_a_model_without_probabilities_says_so_before_reading() -> None:
    def unread() -> Any:
        raise AssertionError("read")
        yield

    with pytest.raises(UsageError, match="this model gives no probabilities") as refused:
        list(predicted_chunks(fitted(["a", "b"], model="linear_svm"), TEXT, unread(), name="in.csv", proba=True))
    assert refused.value.hint == "train another --model, or leave out --proba"


@pytest.mark.parametrize(("taken", "proba"), [("prediction", False), ("prediction", True), ("proba_pos", True)])
def test_a_column_that_would_be_overwritten_is_refused(model: Pipeline, taken: str, proba: bool) -> None:
    with pytest.raises(DataError) as refused:
        predicted(model, {"text": ["good"], taken: ["mine"]}, proba=proba)
    assert refused.value.message == f"in.csv has a column {taken!r} already"


def test_a_probability_column_of_the_input_is_kept_when_none_is_asked_for(model: Pipeline) -> None:
    (piece,) = predicted(model, {"text": ["good"], "proba_pos": ["mine"]})
    assert piece["proba_pos"] == ["mine"]


def test_the_text_column_may_have_another_name_in_the_table(model: Pipeline) -> None:
    (piece,) = predicted(model, {"text": ["bad"], "review": ["good"]}, text_column="review")
    assert piece == {"text": ["bad"], "review": ["good"], "prediction": ["pos"]}


def test_a_missing_column_names_the_option(model: Pipeline) -> None:
    with pytest.raises(DataError) as refused:
        predicted(model, {"Text": ["good"]})
    assert refused.value.message == "in.csv has no column 'text', did you mean 'Text'?"
    assert refused.value.hint == "it has Text; --text-column names another"
    with pytest.raises(DataError, match="no column 'review'"):
        predicted(model, {"text": ["good"]}, text_column="review")


def test_numbers_and_booleans_in_the_text_column_are_their_text(model: Pipeline) -> None:
    (piece,) = predicted(model, {"text": [7, True, "good"]})
    assert piece["text"] == [7, True, "good"]
    assert None not in piece["prediction"]


class ByStars:
    """Reads a text and a number, in the order it was trained with."""

    classes_ = ("few", "many")

    def predict(self, frame: Any) -> Any:
        assert list(frame) == ["text", "stars"]
        assert [str(kind) for kind in frame.dtypes] == ["object", "float64"]
        return (frame["stars"] > 2).map({True: "many", False: "few"}).to_numpy()


STARS = {"text": "string", "stars": "double"}


def test_number_columns_are_read_as_numbers_in_any_order_and_may_be_missing() -> None:
    piece = {"stars": ["1", "5", None], "other": ["x"] * 3, "text": ["a", "b", "c"]}
    assert predicted(ByStars(), piece, inputs=STARS)[0]["prediction"] == ["few", "many", "few"]
    with pytest.raises(DataError, match="column 'stars': could not convert string to float: 'five'"):
        predicted(ByStars(), {"text": ["a"], "stars": ["five"]}, inputs=STARS)
    with pytest.raises(DataError, match=r"in\.csv has no column 'stars'"):
        predicted(ByStars(), {"text": ["a"]}, inputs=STARS)


def test_an_estimator_that_raises_is_told() -> None:
    class Broken:
        def predict(self, frame: Any) -> Any:
            raise RuntimeError("no memory of this")

    with pytest.raises(TrainingFailed, match="the model cannot predict this: RuntimeError: no memory of this"):
        predicted(Broken(), {"text": ["good"]})


def test_pieces_are_read_one_at_a_time(model: Pipeline) -> None:
    read = []

    def pieces() -> Any:
        for number in range(3):
            read.append(number)
            yield {"text": ["good"]}

    results = predicted_chunks(model, TEXT, pieces(), name="in.csv")
    next(results)
    assert read == [0]


@given(st.lists(st.none() | st.text("goodbad film", max_size=12), min_size=1, max_size=20), st.integers(1, 9))
@settings(max_examples=25)
def test_the_size_of_the_pieces_changes_nothing(model: Pipeline, texts: list[str | None], size: int) -> None:
    (whole,) = predicted(model, {"text": texts}, proba=True)
    pieces = predicted(
        model, *({"text": texts[i : i + size]} for i in range(0, len(texts), size)), proba=True
    )  # fmt: skip
    assert {key: [cell for piece in pieces for cell in piece[key]] for key in whole} == whole


def test_a_table_read_in_pieces_is_predicted_as_the_whole(model: Pipeline) -> None:
    content = b"text,label\n" + b"good film,pos\n,neg\nbad film,neg\n" * 100
    results = [
        predicted(model, *chunks(io.BytesIO(content), "csv", encoding="utf-8", name="in.csv", rows=rows))
        for rows in (7, 1000)
    ]
    joined = [[label for piece in pieces for label in piece["prediction"]] for pieces in results]
    assert joined[0] == joined[1] == ["pos", None, "neg"] * 100


def test_the_share_of_unknown_terms_is_a_column_and_empty_for_a_text_without_terms(model: Pipeline) -> None:
    (piece,) = predicted(model, {"text": ["good film", "good qux", "qux", "!", None]}, oov=True)
    assert piece["oov"] == [0.0, 0.5, 1.0, None, None]
    assert list(piece) == ["text", "prediction", "oov"]


def test_shares_do_not_depend_on_the_pieces_and_all_are_seen(model: Pipeline) -> None:
    texts = ["good film", "qux film", "!", "odd qux"]
    whole, parts = Seen(), Seen()
    (piece,) = predicted(model, {"text": texts}, oov=True, seen=whole)
    pieces = predicted(model, *({"text": [text]} for text in texts), oov=True, seen=parts)
    assert [share for part in pieces for share in part["oov"]] == piece["oov"]
    assert (whole.rows, whole.with_terms, whole.mean) == (parts.rows, parts.with_terms, parts.mean)


def test_nobody_asking_the_first_rows_are_looked_at_and_no_column_is_added(
    model: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_batches, "SAMPLE", 5)
    seen = Seen()
    pieces = predicted(model, {"text": ["qux", None, "good"]}, {"text": ["good"] * 3}, {"text": ["qux"]}, seen=seen)
    assert [list(piece) for piece in pieces] == [["text", "prediction"]] * 3
    assert (seen.rows, seen.with_terms, seen.mean) == (5, 4, 0.25)


def test_a_model_whose_terms_are_not_known_says_so() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.ravel), CountVectorizer(), DummyClassifier())
    pipeline.fit(feature_frame({"text": ["a film", "b film"]}, range(2)), ["neg", "pos"])
    with pytest.raises(UsageError, match="does not expose its vocabulary"):
        predicted(pipeline, {"text": ["a film"]}, oov=True)
    assert predicted(pipeline, {"text": ["a film"]}, seen=Seen())[0]["prediction"] == ["neg"]


def test_a_column_called_oov_is_kept_when_none_is_asked_for(model: Pipeline) -> None:
    piece = {"text": ["good"], "oov": ["mine"]}
    assert predicted(model, piece)[0]["oov"] == ["mine"]
    with pytest.raises(DataError, match="has a column 'oov' already"):
        predicted(model, piece, oov=True)


def test_texts_alone_are_a_series_and_as_many_predictions_as_rows_are_wanted() -> None:
    texts = ["good film", "bad film", "good", "bad"]
    estimator = make_pipeline(CountVectorizer(), DummyClassifier()).fit(texts, ["pos", "neg"] * 2)
    with pytest.raises(DataError, match="the model gave 1 predictions for 4 rows"):
        predicted(estimator, {"text": texts})
    (piece,) = predicted(estimator, {"text": texts}, texts_alone=True, proba=True)
    assert piece["prediction"] == estimator.predict(texts).tolist()
