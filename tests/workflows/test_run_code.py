"""A run as a script of pandas and scikit-learn alone, whose metrics are the recorded ones to the last bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.tracking.recorded import store_of

PRICE = ("--data", "houses.csv", "--target", "price", "--drop", "listing,quick")
QUICK = ("--data", "houses.csv", "--target", "quick", "--drop", "listing,price")
# What the site has is not ours alone to hide: an import of expctl fails.
ALONE = "import sys; sys.modules['expctl'] = None; exec(compile(sys.stdin.read(), 'run.py', 'exec'), {})"


def printed(script: str) -> dict[str, float]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE], input=script, capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {key: float(value) for key, value in map(str.split, done.stdout.splitlines())}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("words", "metrics"), [
    (("--data", "small.csv", "-p", "analyzer=word+char_wb", "-p", "ngram_max=2"), 9),
    ((*PRICE, "--model", "hist_gradient_boosting"), 5),
    ((*QUICK, "--missing", "NA,?", "-p", "encoder=target"), 9),
])  # fmt: skip
def test_a_script_prints_what_the_run_has_recorded(words, metrics, small, cli):
    shutil.copy(ROOT / "data" / "houses.csv", small.parent)
    done = cli("train", *words)
    assert done.exit_code == 0, done.stderr
    (run,) = store_of(small.parent).find()
    shown = cli("show", run.run_id, "--code")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "expctl" not in "".join(shown.stdout.splitlines(keepends=True)[1:])
    assert max(map(len, shown.stdout.splitlines())) <= 120
    found = printed(shown.stdout)
    assert (len(found), found) == (metrics, {key: run.metrics[key] for key in found})


@pytest.mark.usefixtures("no_pictures")
def test_what_a_script_cannot_show_is_refused_in_one_line(runs, cli):
    refused = cli("show", "broken", "--code")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (3, "", 1)
    assert cli("train", "--data", "small.csv", "--dedupe", "--run-name", "one").exit_code == 0
    assert "a script cannot show --dedupe" in cli("show", "one", "--code").stderr
    assert cli("show", "one", "--code", "--by", "length").exit_code == 2
