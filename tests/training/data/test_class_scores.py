"""Scores of classes in a file of predictions: which column is of which class, and in which order they are kept."""

from __future__ import annotations

from tests.training.data.test_predictions_table import read


def test_probabilities_are_put_into_the_order_of_the_classes():
    table = read("id,label,prediction,proba_b,proba_a\n1,a,a,0.25,0.75\n2,b,b,0.9,0.1\n").predictions
    assert (table.score_kind, list(table.classes)) == ("probability", ["a", "b"])
    assert table.scores.tolist() == [[0.75, 0.25], [0.1, 0.9]]
    numbers = read("id,label,prediction,proba_10,proba_9\n1,9,9,0.2,0.8\n2,10,10,0.9,0.1\n").predictions
    assert (numbers.classes.tolist(), numbers.scores[0].tolist()) == ([9, 10], [0.8, 0.2])


def test_a_decision_is_one_number_between_two_classes():
    table = read("id,label,prediction,decision\n1,a,a,-0.5\n2,b,b,3\n").predictions
    assert (table.score_kind, table.scores.tolist(), list(table.classes)) == ("decision", [-0.5, 3.0], ["a", "b"])
