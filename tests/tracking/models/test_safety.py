"""What is proved of a model file before it is used."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from expctl.errors import DataError


def bend(tree, **changes):
    """A fitted tree whose nodes were changed, as a hostile file could hold them: {field: (node, value)}."""
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    for field, (node, value) in changes.items():
        nodes[field][node] = value
    tree.__setstate__({**state, "nodes": nodes})


def test_a_tree_hidden_in_another_ensemble_is_found(runs):
    from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, VotingClassifier
    from sklearn.tree import DecisionTreeClassifier

    from expctl.tracking.models.safety import check_trees

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
        check_trees(Pipeline([("model", ensemble)]), "model")
        bend(tree, left_child=(0, 10_000))
        with pytest.raises(DataError, match="a tree points outside itself"):
            check_trees(Pipeline([("model", ensemble)]), "model")
