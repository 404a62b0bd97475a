"""The columns of a recorded run on a table, by its data as they were; and what is refused."""

from __future__ import annotations

import shutil

import pytest

from expctl.errors import DataError, RunNotFound, UsageError
from expctl.workflows.column_importance import column_importance
from expctl.workflows.importance import importance_or_reason
from tests.conftest import ROOT
from tests.tracking.recorded import store_of

QUICK = ("--data", "houses.csv", "--target", "quick", "--drop", "listing,price", "--dedupe")


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_a_run_on_a_table_tells_its_columns_while_its_data_are_the_same(folder, cli):
    shutil.copy(ROOT / "data" / "houses.csv", folder)
    done = cli("train", *QUICK, "--model", "linear_svm")
    assert done.exit_code == 0, done.stderr
    store = store_of(folder)
    (run,) = store.find()
    found = column_importance(store, run, top=3)
    assert (found.metric, found.value, len(found.columns)) == ("f1_score", run.metrics["f1_score"], 3)
    assert found.columns[0].column == "note"
    with pytest.raises(RunNotFound, match="has no log_loss"):
        column_importance(store, run, metric="log_loss")
    with pytest.raises(UsageError, match="no importance by 'rmse'"):
        column_importance(store, run, metric="rmse")
    assert "reads a table: importance tells its columns" in str(importance_or_reason(store, run, top=1))
    with (folder / "houses.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match="its data file is gone or has changed"):
        column_importance(store, run)
