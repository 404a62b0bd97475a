"""Predictions of other programs: what identifies a row, what is read of scores, and what is refused, with the row."""

from __future__ import annotations

import json

import numpy as np
import pytest

from expctl.errors import DataError
from expctl.training.data.predictions_table import PredictionColumns, predictions_of, read_predictions_table
from expctl.training.data.rows import text_hashes


def read(content: str, **columns):
    return read_predictions_table(content.encode(), "p.csv", PredictionColumns(**columns))


def test_a_text_identifies_a_row_as_in_a_training():
    table = read("text,label,prediction\na film,pos,pos\na film,pos,neg\n")
    assert table.hashes.tolist() == text_hashes(["a film", "a film"]).tolist()
    other = read("review,y_true,y_pred\na film,pos,pos\n", text="review")
    assert other.hashes.tolist() == text_hashes(["a film"]).tolist()
    assert read("review,label,prediction\na film,pos,pos\n").hashes.tolist() == other.hashes.tolist()


def test_an_id_or_several_columns_identify_a_row_and_not_its_position():
    one = read("id,label,prediction\n7,a,b\n9,b,b\n")
    other = read("prediction,id,label\nb,9,b\nb,7,a\n")
    assert one.hashes.tolist() == other.hashes.tolist()[::-1]
    several = read("x,y,label,prediction\n1,2,a,a\n12,,a,a\n")
    assert len(set(several.hashes.tolist())) == 2
    named = read("x,y,label,prediction\n1,2,a,a\n1,3,a,a\n", ids=("y",))
    assert named.hashes.tolist() == text_hashes(["2", "3"]).tolist()


def test_a_group_says_which_rows_belong_together_and_identifies_none():
    from expctl.tracking.runs.predicted import predictions_file

    table = read("id,group,label,prediction\n1,ann,a,a\n2,ann,b,b\n3,bob,a,a\n")
    assert table.predictions.groups.tolist() == text_hashes(["ann", "ann", "bob"]).tolist()
    again = read_predictions_table(predictions_file(table), "p.parquet")
    assert again.predictions.groups.tolist() == table.predictions.groups.tolist()
    with pytest.raises(DataError, match="row 2 has no group"):
        read("id,group,label,prediction\n1,ann,a,a\n2,,b,b\n")
    with pytest.raises(DataError, match="nothing that identifies a row"):
        read("group,label,prediction\nann,a,a\n")


def test_labels_and_predictions_are_of_one_type_whatever_the_file_says():
    table = read("id,label,prediction\n1,0,1\n2,1,1\n")
    assert table.predictions.labels.dtype == table.predictions.predicted.dtype == np.int64
    typed = predictions_of({"id": [1, 2], "label": [True, False], "prediction": [True, True]}, "x")
    assert typed.predictions.labels.dtype == bool


@pytest.mark.parametrize(
    ("label", "prediction", "labels", "predicted"),
    [
        ("0", "1.0", [0, 3], [1, 2]),
        ("0", "1", [0, 3], [1, 2]),
        ("0.0", "1", [0.0, 3.0], [1.0, 2.0]),
        ("-0", "1.0", [0, 3], [1, 2]),
    ],
)
def test_predictions_written_as_floats_make_no_floats_of_labels(label, prediction, labels, predicted):
    """A run's test set is known by its rows and labels: 1.0 would be another set than the 1 of a training."""
    written = read(f"id,label,prediction\n1,{label},{prediction}\n2,3,2\n").predictions
    typed = {"id": [1, 2], "label": [json.loads(label), 3], "prediction": [json.loads(prediction), 2]}
    for found in (written, predictions_of(typed, "x").predictions):
        assert (found.labels.tolist(), found.predicted.tolist()) == (labels, predicted)
        assert {type(one) for one in (*found.labels.tolist(), *found.predicted.tolist())} == {type(labels[0])}


MANY = [str(n) for n in range(30)]


@pytest.mark.parametrize(
    ("header", "labels", "predicted", "task"),
    [
        ("id,label,prediction", ["1.5", "2"], ["1", "2"], "regression"),
        ("id,label,prediction", ["1", "2"], ["1", "2"], "classification"),
        ("id,label,prediction", MANY, MANY, "regression"),
        ("text,label,prediction", MANY, MANY, "classification"),  # as `train` has it of texts
        ("text,label,prediction", ["1.5", "2"], ["1", "2"], "regression"),
        ("id,label,prediction", ["a", "2"], ["a", "2"], "classification"),
    ],
)
def test_the_target_tells_what_was_predicted(header, labels, predicted, task):
    lines = [",".join(row) for row in zip([f"x{n}" for n in range(len(labels))], labels, predicted, strict=True)]
    table = read("\n".join([header, *lines, ""]))
    assert table.task == task
    assert table.predictions.labels.dtype.kind == {"regression": "f", "classification": "iO"}[task][0] or "a" in labels


def test_scores_of_classes_or_a_word_say_what_was_predicted():
    scores = "".join(f",proba_{n}" for n in range(30))
    rows = "".join(f"{n},{n},{n}{''.join(f',{int(n == k)}' for k in range(30))}\n" for n in range(30))
    assert read(f"id,label,prediction{scores}\n{rows}").task == "classification"
    asked = read("id,label,prediction\n1,1,2.5\n2,0,0\n", task="regression")
    assert (asked.task, asked.predictions.predicted.tolist(), asked.predictions.scores) == (
        "regression",
        [2.5, 0],
        None,
    )
    wrong = "p.csv: row 2 has the prediction 'inf', which is not a finite number"
    with pytest.raises(DataError, match=wrong):
        read("id,label,prediction\n1,1.5,2.5\n2,0,inf\n")
    with pytest.raises(DataError, match="row 1 has the label 'a', which is not a finite number"):
        read("id,label,prediction\n1,a,2.5\n", task="regression")


def test_probabilities_are_put_into_the_order_of_the_classes():
    table = read("id,label,prediction,proba_b,proba_a\n1,a,a,0.25,0.75\n2,b,b,0.9,0.1\n").predictions
    assert (table.score_kind, list(table.classes)) == ("probability", ["a", "b"])
    assert table.scores.tolist() == [[0.75, 0.25], [0.1, 0.9]]
    numbers = read("id,label,prediction,proba_10,proba_9\n1,9,9,0.2,0.8\n2,10,10,0.9,0.1\n").predictions
    assert (numbers.classes.tolist(), numbers.scores[0].tolist()) == ([9, 10], [0.8, 0.2])


def test_a_decision_is_one_number_between_two_classes():
    table = read("id,label,prediction,decision\n1,a,a,-0.5\n2,b,b,3\n").predictions
    assert (table.score_kind, table.scores.tolist(), list(table.classes)) == ("decision", [-0.5, 3.0], ["a", "b"])


@pytest.mark.parametrize("kind", ["probability", "decision", "none"])
def test_what_expctl_writes_is_read_back(kind):
    from expctl.tracking.runs.predicted import predictions_file

    scores = {"probability": {"proba_a": [0.5, 0.25], "proba_b": [0.5, 0.75]}, "decision": {"decision": [-1.0, 2.0]}}
    columns = {"text": ["x", "y"], "row": [5, 3], "label": ["a", "b"], "prediction": ["b", "b"], **scores.get(kind, {})}
    table = predictions_of(columns, "x")
    again = read_predictions_table(predictions_file(table), "p.parquet")
    assert again.hashes.tolist() == table.hashes.tolist()
    assert again.rows.tolist() == [5, 3]
    one, other = table.predictions, again.predictions
    assert (one.score_kind, one.labels.tolist(), list(one.classes)) == (
        other.score_kind, other.labels.tolist(), list(other.classes)
    )  # fmt: skip
    assert (None if one.scores is None else one.scores.tolist()) == (
        None if other.scores is None else other.scores.tolist()
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,label,prediction\n", "p.csv has no rows"),
        ("id,prediction\n1,a\n", "p.csv has no column 'label'"),
        ("id,label,guess\n1,a,a\n", "p.csv has no column 'prediction'"),
        ("id,label,prediction\n1,a,a\n2,,a\n", "p.csv: row 2 has no label"),
        ("id,label,prediction\n1,a,a\n,a,a\n", "p.csv: row 2 has no id"),
        ("id,label,prediction\n1,a,a\n2,a,a\n1,a,b\n", "p.csv: rows 1 and 3 are both '1'"),
        ("text,label,prediction\nx,a,a\n,a,a\n", "p.csv: row 2 has no text"),
        ("label,prediction\na,a\n", "p.csv has nothing that identifies a row"),
        ("row,label,prediction\n1,a,a\n", "p.csv has nothing that identifies a row"),
        ("id,label,prediction\n1,0,0.5\n", "column 'prediction' holds continuous values (0.5), not classes"),
        ("id,label,prediction,proba_a,proba_b\n1,a,b,0.5,0.6\n", "p.csv: row 1 has probabilities that do not add up"),
        ("id,label,prediction,proba_a,proba_b\n1,a,b,-1,2\n", "p.csv: row 1 has probabilities that do not add up"),
        ("id,label,prediction,proba_a\n1,a,b,\n", "p.csv: row 1 has the score None for a"),
        ("id,label,prediction,proba_a\n1,a,b,nan\n", "p.csv: row 1 has the score 'nan' for a"),
        ("id,label,prediction,proba_x\n1,1,2,1\n", "p.csv: proba_x is a column of no class; the labels are 1, 2"),
        ("id,label,prediction,decision\n1,a,b,1\n2,c,b,1\n", "p.csv: column 'decision' is of two classes, there are 3"),
        ("text_hash,label,prediction\nxyz,a,b\n", "p.csv: row 1 has no text_hash"),
        (f"id,group_hash,label,prediction\n1,{'a' * 32},a,b\n2,été,a,b\n", "p.csv: row 2 has no group_hash"),
        ("id,group_hash,label,prediction\n1,ann,a,b\n", "p.csv: row 1 has no group_hash"),
        (
            "id,label,prediction,proba_0,proba_1,proba_1.0\n1,0,1,0.5,0.25,0.25\n",
            "p.csv: proba_1 and proba_1.0 are columns of one class",
        ),
        ("id,label,prediction,proba_0,proba_1.5\n1,0,1,0.5,0.5\n", "p.csv: proba_1.5 is a column of no class"),
        ("id,label,prediction,proba_0,proba_inf\n1,0,1,0.5,0.5\n", "p.csv: proba_inf is a column of no class"),
        ("id,label,prediction,proba_0,proba_1e30\n1,0,1,0.5,0.5\n", "p.csv: proba_1e30 is a column of no class"),
    ],
)
def test_what_is_malformed_is_refused_with_its_row(text, told):
    with pytest.raises(DataError) as refused:
        read(text)
    assert refused.value.message.startswith(told)
    assert refused.value.hint


def test_columns_that_were_named_and_are_not_there():
    with pytest.raises(DataError, match="no column 'truth'"):
        read("id,label,prediction\n1,a,a\n", target="truth")
    with pytest.raises(DataError, match="no column 'key'"):
        read("id,label,prediction\n1,a,a\n", ids=("key",))
