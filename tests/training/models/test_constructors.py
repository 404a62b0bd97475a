"""Estimators as constructor calls: evaluated they are the same estimators again."""

from __future__ import annotations

import importlib

import pytest

from expctl.training.models.configure import configure
from expctl.training.models.constructors import constructor
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from tests.training.models.test_families import is_installed

COLUMNS = {"size": "numeric", "town": "categorical", "note": "text", "sold": "datetime"}


def evaluated(text: str, imports: set[tuple[str, str]]) -> object:
    return eval(text, {name: getattr(importlib.import_module(module), name) for module, name in imports})


CASES = [
    *(("classification", None, model) for model in families_of()),
    *(
        (task, COLUMNS, model)
        for task in ("classification", "regression")
        for model, family in families_of(task, COLUMNS).items()
        if is_installed(family)
    ),
]


@pytest.mark.parametrize(("task", "columns", "model"), CASES)
def test_every_family_is_its_call(task, columns, model):
    given = {} if columns is None else {"task": task, "columns": columns, "target": "y"}
    pipeline = build_pipeline(configure({"data": "d.csv", "model": model, **given}))
    imports: set[tuple[str, str]] = set()
    text = constructor(pipeline, imports)
    assert repr(evaluated(text, imports).get_params()) == repr(pipeline.get_params())  # type: ignore[attr-defined]
    assert not [module for module, _ in imports if "._" in module]


def test_a_splitter_is_its_call_too():
    given = {"task": "classification", "columns": COLUMNS, "target": "y", "encoder": "target"}
    imports: set[tuple[str, str]] = set()
    text = constructor(build_pipeline(configure({"data": "d.csv", **given})), imports)
    assert "random_state=42" in str(evaluated(text, imports))


def test_lines_break_where_they_are_long_and_values_keep_their_types():
    assert constructor([(1,), None, 1.0, "a", float("nan")], set()) == "[(1,), None, 1.0, 'a', float(\"nan\")]"
    assert constructor(["x" * 60, ("y" * 50,)], set()) == f"[\n    '{'x' * 60}',\n    ('{'y' * 50}',),\n]"


def test_what_cannot_be_written_is_told():
    with pytest.raises(ValueError, match="a function among the parameters of a model"):
        constructor(evaluated, set())
