"""Pictures of a regression: drawn from few rows and from many, the same twice."""

from __future__ import annotations

import numpy as np
import pytest

from expctl.figures import regression


@pytest.mark.parametrize("draw", [regression.predicted_actual, regression.residuals])
@pytest.mark.parametrize("rows", [1, 30, 6_000])
def test_the_pictures_are_drawn_of_any_number_of_rows(draw, rows: int) -> None:
    random = np.random.default_rng(0)
    labels = random.normal(size=rows) * 1e5
    predicted = labels + random.normal(size=rows)
    picture = draw(labels, predicted)
    assert picture.startswith(b"\x89PNG")
    assert picture == draw(labels, predicted)


def test_a_constant_prediction_is_drawn_too() -> None:
    labels = np.arange(20.0)
    for draw in (regression.predicted_actual, regression.residuals):
        assert draw(labels, np.full(20, 3.0)).startswith(b"\x89PNG")
