"""Models on disk: they come back as they were, without pickle and without expctl; a touched one is refused."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from expctl import model_types
from expctl.errors import DataError, RunNotFound, StoreError
from expctl.records import Tag
from expctl.tracking.models.storage import check_model, load_model
from expctl.tracking.uris import local_folder
from expctl.training.fit.skops_file import trusted_types
from expctl.training.models.families import families_of
from tests.tracking.models.bent_trees import bend
from tests.tracking.recorded import model_folder, store_of, train

FAMILIES = families_of()  # of texts

TEXTS = pd.DataFrame({"text": ["the film was great and superb", "an awful, dull meal", "a chair"]}, dtype=object)


def predictions_of(folder: Path, run) -> list[object]:
    """What the run itself predicted for its test rows, and what its model says of them when it is loaded again."""
    store = store_of(folder)
    recorded = pd.read_parquet(io.BytesIO(store.read_artifact(run, "predictions.parquet")))
    rows = pd.read_csv(folder / "small.csv").iloc[recorded["row"]]
    again = load_model(store, run).estimator.predict(rows[["text"]].astype(object))
    return [recorded["prediction"].tolist(), again.tolist()]


def is_pickle(content: bytes) -> bool:
    """Whether bytes could be unpickled: protocol 2 and later begin so; protocols 0 and 1 end in a full stop."""
    return content[:1] == b"\x80" or (content.endswith(b".") and content[:1] in b"(]}clc")


def estimators_in(schema: bytes) -> set[str]:
    """The types of scikit-learn that a skops file names, but for the losses of SGD, which skops knows by itself."""
    found: set[str] = set()

    def note(node: dict[str, object]) -> dict[str, object]:
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        found.update({name} if name.startswith("sklearn.") and "_sgd_fast" not in name else ())
        return node

    json.loads(schema, object_hook=note)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_comes_back_from_the_store_as_it_was(small, family):
    given = {"n_estimators": 12} if family == "random_forest" else {}
    run = train(small.parent, model=family, **given)
    before, after = predictions_of(small.parent, run)
    assert after == before
    model = load_model(store_of(small.parent), run)
    assert model.inputs == {"text": "string"}
    assert model.trained_with == __import__("sklearn").__version__

    folder = model_folder(run)
    assert set(skops.io.get_untrusted_types(file=folder / "model.skops")) <= set(trusted_types())
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(folder / "model.skops") as archive:
        files.update({name: archive.read(name) for name in archive.namelist()})
    # Else storing and reading it wait until skops has walked through scikit-learn.
    assert estimators_in(files["schema.json"]) <= {*model_types.COMMON_ESTIMATORS, *trusted_types()}
    assert [name for name, content in files.items() if is_pickle(content)] == []
    for name, content in files.items():
        if name.endswith(".npy"):
            np.load(io.BytesIO(content), allow_pickle=False)


@pytest.mark.parametrize("labels", [("1", "0"), ("true", "false"), ("1.0", "2.0")], ids=["int", "bool", "float"])
def test_labels_come_back_in_their_own_type(small, labels):
    text = small.read_text()
    small.write_text(text.replace("positive", labels[0]).replace("negative", labels[1]))
    run = train(small.parent)
    answers = load_model(store_of(small.parent), run).estimator.predict(TEXTS).tolist()
    kinds = {"1": int, "true": bool, "1.0": float}
    assert {type(answer) for answer in answers} == {kinds[labels[0]]}


def test_a_factorys_text_pipeline_comes_back_too(runs):
    run = train(runs, model="own_models:counted", c=0.5)
    before, after = predictions_of(runs, run)
    assert after == before
    assert set(skops.io.get_untrusted_types(file=model_folder(run) / "model.skops")) <= set(trusted_types())


def test_mlflow_loads_a_model_where_expctl_cannot_be_imported(small):
    ids = [train(small.parent, model=family).run_id for family in ("logreg", "random_forest")]
    TEXTS.to_json("texts.json", orient="records")
    code = """
import json, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("expctl", "tests", "conftest"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
import mlflow, pandas
mlflow.set_tracking_uri("sqlite:///mlflow.db")
frame = pandas.read_json("texts.json", orient="records").astype(object)
answers = []
for run_id in sys.argv[1:]:
    answers.append(list(mlflow.sklearn.load_model(f"runs:/{run_id}/model").predict(frame)))
    answers.append(list(mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(frame)))
assert not [name for name in sys.modules if name.partition(".")[0] == "expctl"]
print(json.dumps(answers))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code, *ids], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    store = store_of(small.parent)
    ours = [load_model(store, store.get(run_id)).estimator.predict(TEXTS).tolist() for run_id in ids]
    assert json.loads(done.stdout.splitlines()[-1]) == [ours[0], ours[0], ours[1], ours[1]]


@pytest.fixture
def strong(runs):
    """The store, the run `strong`, and the folder of its model."""
    store = store_of(runs)
    run = store.find("attributes.run_name = 'strong'")[0]
    return store, run, model_folder(run)


def refused(store, run, match: str, error: type[Exception] = DataError, *, trust: bool = False) -> Exception:
    with pytest.raises(error, match=match) as raised:
        load_model(store, run, trust=trust)
    assert "strong" in raised.value.message
    assert run.run_id[:8] in raised.value.message
    return raised.value


def forget_digest(store, run):
    """The run as if its digest had never been recorded: what is behind that first door?"""
    store.client.delete_tag(run.run_id, Tag.MODEL_DIGEST)
    return store.get(run.run_id)


@pytest.mark.parametrize("position", [0, 1000, -1])
def test_one_flipped_bit_is_noticed_before_loading(strong, position):
    store, run, folder = strong
    content = bytearray((folder / "model.skops").read_bytes())
    content[position] ^= 1
    (folder / "model.skops").write_bytes(content)
    assert refused(store, run, "model.skops has changed since it was recorded").exit_code == 5
    assert refused(store, run, "has changed", trust=True).exit_code == 5  # trust is of types, not of bytes


def test_another_runs_model_in_its_place_is_noticed(strong, runs):
    store, run, folder = strong
    other = store.find("attributes.run_name = 'weak'")[0]
    shutil.copy(model_folder(other) / "model.skops", folder / "model.skops")
    refused(store, run, "has changed")


@pytest.mark.parametrize("length", [0, 10, 5000])
def test_a_truncated_model_is_damaged_even_where_no_digest_was_recorded(strong, length):
    store, run, folder = strong
    content = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(content[:length])
    refused(store, run, "has changed")
    refused(store, forget_digest(store, run), "is damaged: ")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff\xfe", b"{", b"[]", b"hello: world", b"flavors: {sklearn: 3}", b"&a [*a]",
     b"flavors: {sklearn: {}}"],
    ids=repr,
)  # fmt: skip
def test_an_mlmodel_that_is_garbage_is_damaged(strong, content):
    store, run, folder = strong
    (folder / "MLmodel").write_bytes(content)
    assert refused(store, run, "MLmodel is missing or not readable").exit_code == 5


def test_a_missing_mlmodel_is_damaged(strong):
    store, run, folder = strong
    (folder / "MLmodel").unlink()
    refused(store, run, "MLmodel is missing or not readable")


@pytest.mark.parametrize("path", ["../../elsewhere.skops", "/etc/passwd", "nothing.skops", ".", ""])
def test_a_model_file_outside_its_folder_is_never_read(strong, path):
    store, run, folder = strong
    (folder.parent.parent / "elsewhere.skops").write_bytes((folder / "model.skops").read_bytes())
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("pickled_model: model.skops", f"pickled_model: {path!r}"))
    assert text != (folder / "MLmodel").read_text()
    refused(store, run, "is not in it")


def test_a_link_out_of_the_model_folder_is_not_followed(strong):
    store, run, folder = strong
    (folder / "model.skops").rename(folder.parent.parent / "elsewhere.skops")
    (folder / "model.skops").symlink_to(folder.parent.parent / "elsewhere.skops")
    with pytest.raises((DataError, StoreError)):
        load_model(store, run)


def test_a_model_whose_files_are_gone_is_damaged(strong):
    store, run, folder = strong
    shutil.rmtree(folder)
    assert refused(store, run, "MLmodel is missing").exit_code == 5


def test_a_run_that_has_lost_all_its_files_says_where_they_should_be_and_not_that_they_are_damaged(strong):
    store, run, folder = strong
    shutil.rmtree(folder)
    own = local_folder(run.artifact_uri)
    shutil.rmtree(own)
    for looking in (load_model, check_model):
        with pytest.raises(StoreError) as caught:
            looking(store, run)
        assert caught.value.message == f"the files of run strong are not at {own}"
        assert "expctl doctor" in caught.value.hint


def test_a_failed_run_has_no_model_and_says_why(runs):
    store = store_of(runs)
    run = store.find("attributes.run_name = 'broken'")[0]
    with pytest.raises(RunNotFound, match=r"run broken .* has no model: it is failed"):
        load_model(store, run)


def replace_model(store, run, folder, estimator):
    """Put another skops file in the place of a model, with an MLmodel that declares whatever is in it as trusted."""
    skops.io.dump(estimator, folder / "model.skops")
    types = skops.io.get_untrusted_types(file=folder / "model.skops")
    text = (folder / "MLmodel").read_text()
    widened = re.sub(
        r"( *)(pickled_model: .*\n)",
        rf"\1\2\1skops_trusted_types: {json.dumps(types)}\n",
        text.replace("skops_trusted_types: null\n", ""),
    )
    (folder / "MLmodel").write_text(widened)
    return forget_digest(store, run)


class Hostile(LogisticRegression):
    """An estimator of nobody's: loading or predicting with it could run anything."""


def test_a_model_file_cannot_widen_the_list_of_trusted_types(strong):
    store, run, folder = strong
    hostile = Hostile().fit([[0.0], [1.0]], [0, 1])
    run = replace_model(store, run, folder, Pipeline([("run", FunctionTransformer(os.system)), ("model", hostile)]))
    assert "posix.system" in (folder / "MLmodel").read_text()
    error = refused(store, run, "holds types that are not trusted: .*posix.system")
    assert "Hostile" in error.message
    assert "--trust" in error.hint
    assert load_model(store, run, trust=True).estimator.steps[0][1].func is os.system


def forest_of(runs, model="random_forest", **given):
    store = store_of(runs)
    run = train(runs, "strong", model=model, **given)
    folder = model_folder(run)
    return store, run, folder, load_model(store, run).estimator


@pytest.mark.parametrize(
    "changes",
    [
        {"left_child": (0, 1_000_000)}, {"right_child": (0, 1_000_000)}, {"left_child": (0, -7)},
        {"right_child": (0, -1)},
        {"left_child": (0, 0)}, {"feature": (0, 1_000_000)}, {"feature": (0, -9)},
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("model", ["random_forest", "own_models:tree"])
def test_a_tree_that_points_outside_itself_is_refused(runs, model, changes):
    given = {"n_estimators": 3} if model == "random_forest" else {}
    store, run, folder, estimator = forest_of(runs, model, **given)
    classifier = estimator.steps[-1][1]
    tree = classifier.estimators_[1].tree_ if model == "random_forest" else classifier.steps[-1][1].tree_
    bend(tree, **changes)
    refused(store, replace_model(store, run, folder, estimator), "a tree has child indices out of range")


def test_a_forest_that_reads_more_features_than_it_is_given_is_refused(runs):
    store, run, folder, estimator = forest_of(runs, n_estimators=2)
    forest = estimator.steps[-1][1]
    member = forest.estimators_[0]
    bend(member.tree_, feature=(0, 5000))
    member.n_features_in_ = 10_000  # the member's own word for it; the forest knows better
    refused(store, replace_model(store, run, folder, estimator), "a tree has child indices out of range")


@pytest.fixture
def pickled(runs):
    """A run of plain MLflow whose model is a pickle, as MLflow long wrote them; its store and record."""
    store = store_of(runs)
    mlflow.set_tracking_uri(store.uri)
    frame = pd.read_csv("small.csv")
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    pipeline = Pipeline([("x", ColumnTransformer([("t", TfidfVectorizer(), "text")])), ("m", LogisticRegression())])
    pipeline.fit(frame[["text"]], frame["label"])
    with mlflow.start_run(experiment_id=store.experiment_id(), run_name="pickled") as run:
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            serialization_format="cloudpickle",
            input_example=frame[["text"]].head(2),
            pip_requirements=["scikit-learn"],
        )
    return store, store.get(run.info.run_id)


def test_a_pickle_is_refused_unless_trusted(pickled):
    store, run = pickled
    with pytest.raises(DataError, match=r"model of run pickled .* is a pickle, which can run any code") as raised:
        load_model(store, run)
    assert raised.value.exit_code == 5
    assert raised.value.hint == "--trust loads it anyway"
    model = load_model(store, run, trust=True)
    assert model.estimator.predict(TEXTS).tolist()[:2] == ["positive", "negative"]
    assert model.inputs == {"text": "string"}


def test_a_pickle_that_calls_itself_skops_is_not_unpickled(pickled):
    store, run = pickled
    folder = model_folder(run)
    marker = Path("unpickled")
    (folder / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch unpickled'\ntR.")
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("serialization_format: cloudpickle", "serialization_format: skops"))
    with pytest.raises(DataError, match="is damaged"):
        load_model(store, run)
    assert not marker.exists()
