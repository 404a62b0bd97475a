"""What a training would do, told without doing it: nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.errors import DataError, UsageError
from expctl.training.models.configure import configure
from expctl.workflows.recipe_source import base_of
from expctl.workflows.requests import TrainingRequest
from expctl.workflows.train_preview import preview
from tests.tracking.recorded import settings_of, store_of


def asked(folder: Path, *, strict: bool = False, **given) -> TrainingRequest:
    return TrainingRequest(configure({"data": "small.csv", **given}), settings_of(folder), strict=strict)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("model", ["logreg", "own_models:counted"])
def test_nothing_is_touched(runs, model):
    before = content(runs)
    preview(asked(runs, model=model))
    assert content(runs) == before


def test_split_and_classes_are_those_of_the_training(runs):
    shown = preview(asked(runs))
    assert (len(shown.split.train), len(shown.split.test)) == (160, 40)
    assert {name: sum(both) for name, both in shown.classes.items()} == {"negative": 100, "positive": 100}
    assert sum(test for _, test in shown.classes.values()) == 40


def test_columns_are_told_by_what_they_are_read_for(runs):
    rows = Path("small.csv").read_text().splitlines()
    sides = ["side,stars", *(f"{'test' if i % 5 == 0 else 'train'},{i % 7}" for i in range(len(rows) - 1))]
    Path("wide.csv").write_text("".join(f"{row},{side}\n" for row, side in zip(rows, sides, strict=True)))
    shown = preview(asked(runs, data="wide.csv", split_column="side"))
    assert shown.columns == {"text": "text", "label": "label", "side": "split", "stars": "unused"}


def test_the_changes_are_those_to_the_base(runs):
    base = base_of(store_of(runs), "strong")
    request = asked(runs, c=0.5)
    shown = preview(TrainingRequest(base.changed({"c": 0.5}), request.settings, base=base))
    assert shown.changes == {"c": base.recipe.parameters["c"]}


def test_the_run_that_would_be_repeated_is_named(runs):
    strong = store_of(runs).find("name = 'strong'")[0]
    base = base_of(store_of(runs), "strong")
    assert preview(TrainingRequest(base.recipe, settings_of(runs))).existing == strong


def test_what_training_would_refuse_is_refused(runs):
    Path("bad.csv").write_text("text,label\nfine,good\n")
    with pytest.raises(DataError):
        preview(asked(runs, data="bad.csv"))
    with pytest.raises(UsageError, match="no callable 'missing'"):
        preview(asked(runs, model="own_models:missing"))
    rows = Path("small.csv").read_text().splitlines()
    Path("twice.csv").write_text("\n".join([*rows, *rows[1:]]) + "\n")
    with pytest.raises(DataError, match="--dedupe"):
        preview(asked(runs, data="twice.csv", strict=True))
