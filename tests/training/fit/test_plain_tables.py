"""A table by expctl is a table by plain scikit-learn, to the last bit: a few of what the simulation tries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.plain_tables import Combination, Table, differences, made_tables

ONES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("iris", "logreg", {}, {}),
    ("wine", "knn", {"scaler": "robust"}, {"weights": "distance"}),
    ("diabetes", "ridge", {"encoder": "target", "missing_indicator": True}, {}),
    ("diabetes", "hist_gradient_boosting", {}, {"max_iter": 5}),
    ("diabetes", "random_forest", {"encoder": "ordinal", "imputer": "mean"}, {"n_estimators": 3}),
    ("diabetes", "huber", {"max_categories": 2}, {}),
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, Table]:
    return {table.file.stem: table for table in made_tables(tmp_path_factory.mktemp("tables"))}


@pytest.mark.parametrize(("name", "model", "preparation", "arguments"), ONES)
def test_plain_scikit_learn_gives_the_same(tables, name: str, model: str, preparation: Any, arguments: Any) -> None:
    assert differences(Combination(tables[name], model, 3, preparation, arguments)) == []
