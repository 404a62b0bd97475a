"""What is wrong with the options of a sweep of a program is told in one line, before there is a run."""

from __future__ import annotations

import pytest

from tests.tracking.recorded import statuses

PROGRAM = ["--", "echo", "{x}"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--metric", "a", "--metric", "b", *PROGRAM],
            "--metric a and --metric b: trials are ranked by one (give one)",
        ),
        (PROGRAM, "by which metric are the trials ranked? (--metric val_loss)"),
        (["--cv", "3", "--metric", "a", *PROGRAM], "--cv is for models, not programs"),
        (["--keep-models", "3", "--metric", "a", *PROGRAM], "--keep-models is for models, not programs"),
        (["--backend", "dask", "--scheduler", "tcp://x:1", "--metric", "a", *PROGRAM], "--backend is for models"),
        (["--metric", "a", "--prune", "median", *PROGRAM], "--prune looks at a in the program's output"),
        (["--metric", "a=(.)", "--prune", "mean", *PROGRAM], "unknown pruner 'mean'"),
        (
            ["--metric", "a", "--jobs", "2", "--predictions", "p.csv", *PROGRAM],
            "trials at once would write over each other's p.csv (--predictions) (write it to {run_dir}/p.csv in the",
        ),
        (["--prune", "median"], "--prune is for programs (try: expctl sweep ... -- PROGRAM)"),
        (["--metric", "a=(.)"], "--metric NAME=REGEX is for programs (try: expctl sweep ... -- PROGRAM)"),
    ],
)
def test_what_is_wrong_is_told(cli, folder, arguments, told):
    done = cli("sweep", "-g", "x=1", *arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"expctl: {told}")
    assert statuses(folder) == []
