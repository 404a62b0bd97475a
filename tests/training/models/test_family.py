"""What a family of models says of itself."""

from __future__ import annotations

import pytest

from expctl.parameters import Options
from expctl.training.models.families import FAMILIES
from expctl.training.models.preparation import PREPARATION
from expctl.training.models.regressors import REGRESSORS


@pytest.mark.parametrize("family", [*FAMILIES.values(), *REGRESSORS.values()], ids=lambda family: family.path)
def test_its_preparation_is_of_parameters_that_there_are_and_of_their_values(family):
    assert set(family.by_key) == {one.key for one in family.parameters}
    for key, value in family.preparation.items():
        assert any(isinstance(one, Options) and value in one.values for one in PREPARATION[key].domains), key
