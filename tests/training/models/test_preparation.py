"""What stands before the estimator of a table: scikit-learn's transformers, by the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from expctl.training.models.preparation import PREPARATION, native_categories, transformers

FRAME = pd.DataFrame(
    {
        "town": pd.Series(["ulm", "bern", None, "ulm", "oslo", "ulm", "bern", "ulm"] * 3, dtype="object"),
        "size": [1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] * 3,
    }
)
LABELS = np.arange(24, dtype=float)
DEFAULTS = {key: one.default for key, one in PREPARATION.items()}


def prepared(**given: Any) -> np.ndarray:
    from sklearn.compose import ColumnTransformer

    made = transformers({**DEFAULTS, **given}, ["size"], ["town"], task="regression", random_state=1, dense=True)
    found: np.ndarray = ColumnTransformer(made).fit_transform(FRAME, LABELS)
    return found


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", None])
@pytest.mark.parametrize("imputer", ["median", "mean", "most_frequent"])
@pytest.mark.parametrize("encoder", ["onehot", "ordinal", "target"])
def test_every_preparation_gives_numbers_alone(imputer: str, scaler: str | None, encoder: str) -> None:
    values = prepared(imputer=imputer, scaler=scaler, encoder=encoder)
    assert values.shape == (24, (4 if encoder == "onehot" else 1) + 1)
    assert np.isfinite(values).all()


def test_nothing_to_do_leaves_the_numbers_as_they_are() -> None:
    assert np.array_equal(prepared(imputer=None, scaler=None)[:, -1], FRAME["size"], equal_nan=True)


def test_where_numbers_were_missing_is_a_column_when_it_is_asked_for() -> None:
    values = prepared(missing_indicator=True, scaler=None)
    assert values[:, -1].tolist() == FRAME["size"].isna().astype(float).tolist()


def test_rare_categories_are_one() -> None:
    assert prepared(min_frequency=5).shape[1] == prepared(max_categories=3).shape[1] == 4
    assert prepared(max_categories=2).shape[1] == 3


def test_native_categories_come_first_and_a_missing_one_is_one_of_its_own() -> None:
    assert prepared(encoder="native", imputer=None, scaler=None)[:8, 0].tolist() == [3, 1, 0, 3, 2, 3, 1, 3]
    assert native_categories({"town": "categorical", "size": "numeric", "street": "categorical"}) == [0, 1]
    assert native_categories({"size": "numeric"}) is None


@pytest.mark.parametrize("encoder", ["onehot", "ordinal", "target", "native"])
def test_a_missing_category_is_the_same_by_none_by_nan_and_in_every_type_of_pandas(encoder: str) -> None:
    from sklearn.compose import ColumnTransformer

    given = {**DEFAULTS, "encoder": encoder}
    made = transformers(given, [], ["town", "street"], task="regression", random_state=1, dense=True)
    training = FRAME.assign(street="no cell of it is missing")[["town", "street"]].astype("object")
    fitted = ColumnTransformer(made).fit(training, LABELS)
    asked = training.iloc[:5]
    as_nan = asked.where(asked.notna(), np.nan)
    strings = as_nan.astype("str").where(as_nan.notna(), np.nan)  # pandas 2 makes words of missing ones, too
    for other in (as_nan, strings, asked.astype("category")):
        assert np.array_equal(fitted.transform(other), fitted.transform(asked))
    nothing = [pd.DataFrame({"town": [one], "street": [one]}) for one in (None, np.nan)]
    assert np.array_equal(*map(fitted.transform, nothing), equal_nan=True)
    assert np.array_equal(fitted.transform(nothing[0])[0, 0], fitted.transform(asked)[2, 0])


def test_columns_of_no_kind_need_no_transformer() -> None:
    assert transformers(DEFAULTS, [], [], task="regression", random_state=1, dense=False) == []
