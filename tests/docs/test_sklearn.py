"""scikit-learn's examples beside expctl's commands, as the topic shows both: the same parameters and scores, by ==."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.conftest import write_reviews
from tests.docs.pages import topic
from tests.tracking.recorded import store_of


def of_both(cli, folder):
    (folder / "data").mkdir()
    write_reviews(folder / "data" / "reviews.csv", 250)
    theirs: dict[str, object] = {"print": lambda *_: None}
    for block in topic("scikit-learn").blocks("python"):
        exec(block, theirs)
    for block in topic("scikit-learn").blocks("sh"):
        done = cli(*shlex.split(block.replace("\\\n", " "))[1:], "--jobs", "1", "--quiet", "--keep-models", "1")
        assert done.exit_code == 0, done.stderr
    listed = cli("list", "--flat", "--format", "json", "--limit", "200", "--filter", "has params.model")
    return theirs, [store_of(folder).get(row["run_id"]) for row in json.loads(listed.stdout)["rows"]]


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.filterwarnings("ignore")
def test_the_examples_come_out_the_same(cli, folder):
    theirs, runs = of_both(cli, folder)
    families = {run.params["model"]: run.metrics["accuracy"] for run in runs if run.name.startswith("families-")}
    assert families == theirs["scores"]
    pairs = [run for run in runs if run.name.startswith("pairs-")]
    means = {(run.params["model"], run.typed_params["ngram_max"]): run.metrics["cv_accuracy_mean"] for run in pairs}
    assert means == theirs["means"]

    search = theirs["search"]
    trials = {}
    for run in (run for run in runs if run.name.startswith("search-")):
        found = run.typed_params
        key = (found["min_df"], found["ngram_max"], found["tfidf_norm"], found["alpha"])
        trials[key] = run
    results = search.cv_results_
    assert len(trials) == len(results["params"]) == 16
    for point, mean in zip(results["params"], results["mean_test_score"], strict=True):
        longest = point["vect__ngram_range"][1]
        key = (point["vect__min_df"], longest, point["vect__norm"], point["clf__alpha"])
        assert trials[key].metrics["cv_accuracy_mean"] == mean
        if point == search.best_params_:
            score = search.score(theirs["X_test"], theirs["y_test"])
            assert trials[key].metrics["accuracy"] == score
            best = max(run.metrics["cv_accuracy_mean"] for run in trials.values())
            assert trials[key].metrics["cv_accuracy_mean"] == best
