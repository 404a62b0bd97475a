"""What a request changes of which runs, before anything is written."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound, UsageError
from expctl.workflows.edit import Change, EditRequest, to_edit
from tests.tracking.recorded import store_of


def test_a_run_that_is_named_twice_changes_once_and_only_in_what_is_not_so_already(runs):
    request = EditRequest(tags={"team": "nlp", "stage": "live"})
    (edit,) = to_edit(store_of(runs), ["strong", "str*"], "c = 10", request)
    assert edit.changes == [Change("tags.stage", "test", "live")]


def test_a_tag_that_is_not_there_is_removed_already(runs):
    (edit,) = to_edit(store_of(runs), ["weak"], "", EditRequest(removed=["team", "team"]))
    assert edit.changes == []


def test_a_request_is_refused_before_a_store_is_asked():
    for given in ({}, {"tags": {"mlflow.x": "1"}}, {"removed": ["developer"]}, {"name": ""}):
        with pytest.raises(UsageError):
            EditRequest(**given)


def test_a_deleted_run_is_not_edited(cli, runs):
    assert cli("delete", "weak", "-y").exit_code == 0
    with pytest.raises(RunNotFound, match="has been deleted"):
        to_edit(store_of(runs), ["weak"], "", EditRequest(note="x"))
