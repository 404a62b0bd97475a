"""How far metrics are apart over runs: against numpy, exactly none where all are the same."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.spread import spreads
from tests.render.run_records import run

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(VALUES)
def test_mean_and_deviation_are_those_of_the_sample(values):
    (found,) = spreads([run(i, metrics={"f1_score": value}) for i, value in enumerate(values)])
    assert (found.metric, found.runs, found.least, found.largest) == ("f1_score", len(values), min(values), max(values))
    assert math.isclose(found.mean, np.mean(values), abs_tol=1e-12)
    if len(values) == 1:
        assert found.deviation is None
    else:
        assert math.isclose(found.deviation, np.std(values, ddof=1), abs_tol=1e-9)


def test_equal_values_are_not_apart_by_a_last_bit():
    (found,) = spreads([run(i, metrics={"mcc": 0.1}) for i in range(7)])
    assert (found.mean, found.deviation) == (0.1, 0.0)


def test_what_is_not_finite_or_of_nobodys_table_is_left_out():
    runs = [run(1, metrics={"mcc": math.nan, "own": 1.0, "f1_score": 0.5}), run(2, metrics={})]
    assert [(one.metric, one.runs) for one in spreads(runs)] == [("f1_score", 1)]
    assert spreads([]) == []
