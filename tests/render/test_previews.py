"""What `train --dry-run` shows."""

from __future__ import annotations

import json
from dataclasses import replace

from expctl.render.formats import FORMATS
from expctl.render.previews import preview_sheet
from expctl.training.models.configure import configure
from expctl.workflows.recipe_source import Base
from expctl.workflows.requests import TrainingRequest
from expctl.workflows.train_preview import preview
from tests.tracking.recorded import settings_of, store_of


def shown(folder, **given):
    recipe = configure({"data": "small.csv", **given})
    base = Base(store_of(folder).find("name = 'strong'")[0], configure({"data": "small.csv", "c": 10}))
    return preview_sheet(preview(TrainingRequest(recipe, settings_of(folder), base=base)))


def test_each_section_is_an_object_of_json(runs):
    told = json.loads(FORMATS["json"](shown(runs, c=0.5, cv=2)))
    assert told["kind"] == "preview"
    assert told["command"] == "expctl train --data small.csv --cv 2 --c 0.5"
    assert told["existing_run"] is None
    assert told["recipe"]["c"] == {"value": 0.5, "was": 10.0}
    assert told["recipe"]["cv"] == {"value": 2, "was": None}
    assert told["columns"] == {"text": "text", "label": "label"}
    assert told["split"]["rows"] == {"value": 200, "train": 160, "test": 40}
    assert {key: one["value"] for key, one in told["classes"].items()} == {"negative": 100, "positive": 100}


def test_secrets_of_an_address_are_masked(runs):
    made = preview(TrainingRequest(configure({"data": "small.csv"}), settings_of(runs)))
    secret = TrainingRequest(configure({"data": "https://u:s3cret@host/x.csv"}), settings_of(runs))
    assert "s3cret" not in FORMATS["json"](preview_sheet(replace(made, request=secret)))
