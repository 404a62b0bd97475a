"""`adopt`: predictions for a run that another program logged, through the command line."""

from __future__ import annotations

import json

import pytest

from expctl.records import Tag
from expctl.tracking.runs.predictions import read_predictions
from tests.conftest import write_reviews
from tests.tracking.recorded import settings_of, store_of

pytestmark = pytest.mark.usefixtures("no_pictures")
ROWS = "doc,truth,guess\n" + "".join(f"{n},{'ab'[n % 2]},{'ab'[n % 3 == 1]}\n" for n in range(30))


def foreign(folder, *, file: str | None = None, content: str = ROWS, **metrics: float) -> str:
    """A run as MLflow logs it, with a file of this name."""
    import mlflow

    mlflow.set_tracking_uri(settings_of(folder).tracking_uri)
    found = mlflow.get_experiment_by_name("expctl")
    # By its id: set_experiment is of the whole process, and of the tests after this one.
    with mlflow.start_run(experiment_id=found.experiment_id if found else mlflow.create_experiment("expctl")) as active:
        mlflow.log_metrics(metrics or {"eval_f1": 0.5, "accuracy": 66.6})
        if file is not None:
            mlflow.log_text(content, file)
    return str(active.info.run_id)


NAMED = ("--target", "truth", "--prediction", "guess", "--id", "doc")


def test_a_file_of_the_run_makes_it_comparable_and_its_metrics_stay(cli, folder):
    one, other = foreign(folder, file="out/p.csv"), foreign(folder, file="out/p.csv", eval_f1=0.4)
    done = cli("adopt", one, "--predictions", "out/p.csv", *NAMED)
    assert done.exit_code == 0, done.stderr
    assert "warning: accuracy is 66.6 by the program and" in done.stderr
    assert cli("adopt", other, "--predictions", "out/p.csv", *NAMED, "-q").exit_code == 0
    store = store_of(folder)
    run = store.get(one)
    assert (run.metrics["eval_f1"], run.metrics["accuracy"], run.status) == (0.5, 66.6, "finished")
    assert "f1_score" in run.metrics
    assert Tag.ADOPTED in run.tags
    assert len(read_predictions(store, run) or ()) == 30
    compared = json.loads(cli("compare", one, other, "--all", "--format", "json").stdout)
    assert (compared["same_test_set"], compared["metrics"]["f1_score"]["change"]) == (True, 0)
    again = cli("adopt", one, "--predictions", "out/p.csv", *NAMED)
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "has its predictions already" in again.stderr


def test_a_file_of_this_machine_and_what_is_wrong(cli, folder):
    run = foreign(folder)
    (folder / "mine.csv").write_text(ROWS)
    wrong = cli("adopt", run, "--predictions", "mine.csv")
    assert (wrong.exit_code, wrong.stdout) == (5, "")
    assert "mine.csv has no column 'label'" in wrong.stderr
    assert cli("adopt", run, "--predictions", "none.csv").exit_code == 5
    both = cli("adopt", run, "--data", "mine.csv", "--prediction", "guess")
    assert (both.exit_code, "--prediction names a column of --predictions FILE" in both.stderr) == (2, True)
    assert cli("adopt", "nobody", "--predictions", "mine.csv").exit_code == 3
    assert Tag.TEST_SET not in store_of(folder).get(run).tags
    assert cli("adopt", run, "--predictions", "mine.csv", *NAMED, "-q").exit_code == 0


def test_a_file_of_our_name_in_another_form_is_not_replaced(cli, folder):
    run = foreign(folder, file="predictions.parquet", content="no parquet")
    (folder / "mine.csv").write_text(ROWS)
    done = cli("adopt", run, "--predictions", "mine.csv", *NAMED)
    assert (done.exit_code, "has a file predictions.parquet of another form" in done.stderr) == (2, True)


def test_its_logged_model_predicts_a_data_file(cli, runs):
    """As of a run of train without evidence: its model is loaded under the usual rules of trust."""
    import mlflow

    store = store_of(runs)
    (strong,) = store.find("name = 'strong'")
    client = mlflow.MlflowClient(settings_of(runs).tracking_uri)
    before = dict(strong.metrics)
    for key in (Tag.TEST_SET, Tag.PREDICTIONS_DIGEST):
        client.delete_tag(strong.run_id, key)
    write_reviews(runs / "more.csv", 300)
    done = cli("adopt", "strong", "--data", "more.csv")
    assert (done.exit_code, "of another form" in done.stderr) == (2, True)
    (bayes,) = store.find("name = 'bayes'")
    from expctl.workflows.adopt import AdoptRequest, _predicted

    table = _predicted(store, bayes, AdoptRequest(data="more.csv"), print)
    assert (len(table.hashes), table.predictions.score_kind) == (300, "probability")
    assert store.get(strong.run_id).metrics == before


@pytest.mark.slow
@pytest.mark.parametrize("on_a_table", [False, True])
def test_a_model_of_scikit_learns_own_is_given_what_it_was_fitted_on(cli, folder, on_a_table):
    """A vectorizer that is given a table would classify the names of its columns."""
    import mlflow
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    write_reviews(folder / "texts.csv", 60)
    rows = pd.read_csv(folder / "texts.csv")
    terms = make_column_transformer((TfidfVectorizer(), "text")) if on_a_table else TfidfVectorizer()
    texts = rows[["text"]] if on_a_table else rows["text"]
    model = make_pipeline(terms, LinearSVC()).fit(texts, rows["label"])
    run = foreign(folder)
    with mlflow.start_run(run):
        signature = mlflow.models.infer_signature(texts, model.predict(texts))
        mlflow.sklearn.log_model(model, name="model", signature=signature, serialization_format="pickle")
    said = cli("predict", "--run", run, "--trust", "-q", "-f", "jsonl", "--input", "texts.csv")
    assert said.exit_code == 0, said.stderr
    assert [json.loads(line)["prediction"] for line in said.stdout.splitlines()] == model.predict(texts).tolist()
    done = cli("adopt", run, "--data", "texts.csv", "--trust")
    assert done.exit_code == 0, done.stderr
    assert len(read_predictions(store_of(folder), store_of(folder).get(run)) or ()) == 60
