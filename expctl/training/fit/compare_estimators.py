"""Where two fitted estimators differ. Knows no recipe and no store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from expctl import compat, model_types
from expctl.training.models.steps import named_parts

if TYPE_CHECKING:
    from collections.abc import Iterator


def differing(one: Any, other: Any) -> list[str]:
    """The parts, as dotted paths (`classifier.coef_`), in which two fitted estimators are not equal to the last bit.

    Both should have come the same way, from a file say: equal arrays in another memory layout differ.
    """
    return list(_walk(one, other, ""))


def _walk(one: Any, other: Any, path: str) -> Iterator[str]:
    import joblib

    if joblib.hash(one) == joblib.hash(other):
        return
    mine, theirs = _parts(one), _parts(other)
    if type(one) is not type(other) or mine is None or theirs is None:
        yield path or type(one).__name__
        return
    for name in {**mine, **theirs}:
        inner = f"{path}.{name}" if path else name
        if name in mine and name in theirs:
            yield from _walk(mine[name], theirs[name], inner)
        else:  # another version of scikit-learn has it not
            yield inner


def _parts(value: Any) -> dict[str, Any] | None:
    """What a part of an estimator is looked at by; None for what is compared as a whole."""
    import numpy as np
    from sklearn.base import BaseEstimator

    if isinstance(value, np.ndarray) and value.dtype.names:  # a tree's nodes, between whose fields lies anything
        return {name: np.ascontiguousarray(value[name]) for name in value.dtype.names}
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple)) and any(isinstance(one, (BaseEstimator, np.ndarray)) for one in value):
        return {str(place): one for place, one in enumerate(value)}
    if isinstance(value, np.random.RandomState):  # two in the same state are pickled differently
        state: Any = value.get_state(legacy=False)
        return {**state["state"], "gauss": (state["has_gauss"], state["gauss"])}
    if isinstance(value, compat.tree_type()):
        return dict(value.__getstate__())
    named = named_parts(value)
    if named is not None:
        return named
    if isinstance(value, BaseEstimator):
        return {name: part for name, part in vars(value).items() if name != model_types.STOP_WORDS_ID}
    return None
