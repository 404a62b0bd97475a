"""What is proved of a model file before it is used: a sane size, and trees that stay in themselves."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from expctl.errors import DataError
from expctl.tracking.models import safety
from expctl.tracking.models.safety import check_arrays, check_size
from tests.tracking.models.bent_trees import bend


def test_a_tree_hidden_in_another_ensemble_is_found():
    from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, VotingClassifier
    from sklearn.tree import DecisionTreeClassifier

    features, labels = np.arange(40.0).reshape(20, 2), [0, 1] * 10
    boosted = GradientBoostingClassifier(n_estimators=2).fit(features, labels)
    bagged = BaggingClassifier(DecisionTreeClassifier(), 2).fit(features, labels)
    alone = DecisionTreeClassifier().fit(features, labels)
    voting = VotingClassifier([("tree", DecisionTreeClassifier())]).fit(features, labels)
    for ensemble, tree in (
        (boosted, boosted.estimators_[1, 0].tree_),
        (bagged, bagged.estimators_[1].tree_),
        (voting, voting.estimators_[0].tree_),
        (FunctionTransformer(kw_args={"model": [alone]}), alone.tree_),
    ):
        check_arrays(Pipeline([("model", ensemble)]), "model")
        bend(tree, left_child=(0, 10_000))
        with pytest.raises(DataError, match="a tree has child indices out of range"):
            check_arrays(Pipeline([("model", ensemble)]), "model")


def test_a_tree_that_claims_more_nodes_than_it_has_is_refused():
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(1).fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10)
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    tree.__setstate__({**state, "node_count": state["node_count"] + 100_000})
    assert tree.node_count > tree.capacity
    with pytest.raises(DataError, match="a tree has child indices out of range"):
        check_arrays(Pipeline([("model", forest)]), "model")
    tree.__setstate__(state)
    check_arrays(Pipeline([("model", forest)]), "model")


def zipped(path, size):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(size))
    return path


def test_a_file_that_unpacks_to_far_more_than_it_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "_UNPACKED", 10_000)
    check_size(zipped(tmp_path / "small.skops", 10_000).read_bytes(), "model")
    with pytest.raises(DataError, match="the model would unpack to 5 MB: it is not loaded"):
        check_size(zipped(tmp_path / "bomb.skops", 5 << 20).read_bytes(), "model")


def test_a_large_file_may_be_compressed_as_files_are(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "_UNPACKED", 10_000)
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.npy", bytes(20_000))
    check_size(path.read_bytes(), "model")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_a_file_that_is_no_zip_is_damaged(content):
    with pytest.raises(DataError, match="the model of run x is damaged"):
        check_size(content, "model of run x")


def test_a_model_that_holds_itself_is_looked_at_once():
    estimator = FunctionTransformer()
    estimator.itself = [estimator, {"again": estimator}]
    check_arrays(estimator, "model")
