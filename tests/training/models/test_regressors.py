"""The families that learn numbers: of tables, and their files hold nothing but what is trusted and proved."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import is_regressor

from expctl import model_types
from expctl.tracking.models.safety import check_arrays
from expctl.training.fit.skops_file import dumped, loaded, trusted_types
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.regressors import REGRESSORS

COLUMNS = {"x": "numeric", "c": "categorical"}
TABLE = pd.DataFrame(
    {
        "x": pd.Series([float("nan") if i % 9 == 0 else i % 17 for i in range(60)], dtype="float64"),
        "c": pd.Series([(None, "p", "q")[i % 3] for i in range(60)], dtype="object"),
    }
)
TARGETS = {"regression": np.arange(60) % 17 + 1.0, "classification": np.array(["a", "b"] * 30, dtype=object)}
OF_SCIKIT_LEARN = [
    (task, name) for task in TARGETS for name, one in families_of(task, COLUMNS).items() if not one.packages
]


@pytest.fixture
def short_list() -> Iterator[None]:
    """The types that skops trusts are those of a process that has not let it walk through scikit-learn."""
    from skops.io import _trusted_types

    names = _trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES
    whole = list(names)
    names[:] = sorted(model_types.COMMON_ESTIMATORS)
    yield
    names[:] = whole


@pytest.mark.usefixtures("short_list")
@pytest.mark.parametrize(
    ("scaler", "encoder"), [("standard", "onehot"), ("minmax", "ordinal"), ("robust", "target"), (None, "onehot")]
)
def test_no_preparation_has_an_estimator_that_skops_would_have_to_look_for(scaler: str | None, encoder: str) -> None:
    columns = {**COLUMNS, "w": "text"}
    data = {"data": "a.csv", "target": "y", "task": "regression", "columns": columns}
    recipe = configure({**data, "scaler": scaler, "encoder": encoder, "missing_indicator": True})
    rows = TABLE.assign(w=["some words of a text"] * 60)
    content, _ = dumped(build_pipeline(recipe).fit(rows, TARGETS["regression"]))
    assert set(skops.io.get_untrusted_types(data=content)) <= set(trusted_types())


@pytest.mark.usefixtures("short_list")
@pytest.mark.parametrize(("task", "name"), OF_SCIKIT_LEARN)
def test_the_file_of_a_family_of_tables_is_loaded_by_our_list_of_types_alone(task: str, name: str) -> None:
    recipe = configure({"data": "a.csv", "target": "y", "task": task, "columns": COLUMNS, "model": name})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = build_pipeline(recipe).fit(TABLE, TARGETS[task])
    content, unusual = dumped(pipeline)
    assert set(skops.io.get_untrusted_types(data=content)) <= set(trusted_types())
    loaded(content, unusual or ())  # as MLflow does, which goes by these alone
    again = loaded(content, trusted_types())
    check_arrays(again, "model")
    assert (again.predict(TABLE) == pipeline.predict(TABLE)).all()
    assert is_regressor(pipeline[-1]) == (task == "regression")


def test_numbers_are_learned_from_tables_alone() -> None:
    assert {one.reads for one in REGRESSORS.values()} == {("table",)}
    assert list(families_of("regression", COLUMNS)) == list(REGRESSORS)
    assert families_of("regression") == {}
