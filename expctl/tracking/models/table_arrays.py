"""What is proved of the parts of a model that read tables: boosted trees, one-hot encoders, generators of random
numbers. Gives True or False, or raises what a part of the wrong type raises; `safety.py` asks and refuses.
"""

from __future__ import annotations

from itertools import chain
from numbers import Integral
from typing import Any, Final

from expctl import model_types
from expctl.training.models.steps import fitted_parts

_BITS: Final = 256  # a category is the number of a bit of eight words
_STATES: Final = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}  # where each is within its numbers
_STATELESS: Final = ("PCG64", "PCG64DXSM", "SFC64")  # numbers alone: no index among them


def hidden_state(owner: Any, names: tuple[str, ...]) -> list[Any]:
    """The attributes of these names, None where there is none."""
    return [getattr(owner, name, None) for name in names]


def is_sound_boosting(estimator: Any, features: float) -> bool:
    """Each tree of histogram gradient boosting stays in itself, in the columns and in the bits of its categories."""
    import numpy as np

    iterations, mapper, baseline, preprocessor = hidden_state(estimator, model_types.BOOSTING)
    trees = estimator.n_trees_per_iteration_
    classes = len(estimator.classes_) if hasattr(estimator, "classes_") else 1
    categorical = mapper.is_categorical_
    known = [mapper.bin_thresholds_[column] for column in np.flatnonzero(categorical)]
    return bool(
        trees == (classes if classes > 2 else 1)
        and np.shape(baseline) == (1, trees)
        and all(len(iteration) == trees for iteration in iterations)
        and categorical.shape == (features,)
        and all(((one >= 0) & (one < _BITS)).all() for one in known)
        and (preprocessor is None or _keeps_columns(preprocessor, features))
        and all(_is_sound_predictor(tree, categorical) for tree in chain.from_iterable(iterations))
    )


def _is_sound_predictor(tree: Any, categorical: Any) -> bool:
    import numpy as np

    nodes, words = tree.nodes, tree.raw_left_cat_bitsets
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    splits, children = nodes[inner], np.concatenate([nodes["left"][inner], nodes["right"][inner]])
    by_category = splits[splits["is_categorical"] != 0]
    used = splits["feature_idx"]
    return bool(
        nodes.ndim == 1
        and len(nodes) > 0
        and ((children > np.tile(inner, 2)) & (children < len(nodes))).all()
        and ((used >= 0) & (used < len(categorical))).all()
        and (categorical[by_category["feature_idx"]] != 0).all()
        and (by_category["bitset_idx"] < len(words)).all()
        and (words.ndim, words.shape[-1]) == (2, _BITS // 32)
    )


def _keeps_columns(preprocessor: Any, features: float) -> bool:
    """Whether what encodes the categories within histogram gradient boosting gives as many columns as it takes: its
    trees are handed them unchecked.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    (_, encoder, encoded), (_, check, kept), *rest = fitted_parts(preprocessor)
    (by_name,) = hidden_state(preprocessor, model_types.COLUMNS)
    taken = sorted(chain.from_iterable(by_name.values()))
    return bool(
        type(preprocessor) is ColumnTransformer
        and type(encoder) is OrdinalEncoder
        and type(check) is FunctionTransformer
        and is_column_check(check.func)
        and encoded.dtype == kept.dtype == np.bool_
        and encoded.shape == kept.shape == (features,)
        and (encoded != kept).all()
        and all(transformer == "drop" for _, transformer, _ in rest)  # none remains, or `taken` were longer
        and preprocessor.n_features_in_ == features
        and taken == list(range(len(encoded)))
    )


def is_column_check(function: Any) -> bool:
    """Whether a partial function is the only one that a model of ours holds: scikit-learn's check of an array."""
    from sklearn.utils.validation import check_array

    return getattr(function, "func", None) is check_array


def is_sound_stages(estimator: Any, features: float) -> bool:
    """Gradient boosting adds the trees of a stage to as many columns as what it starts from gives, unchecked."""
    trees, start = estimator.estimators_, estimator.init_
    classes = len(estimator.classes_) if hasattr(estimator, "classes_") else 1
    columns = classes if classes > 2 else 1
    is_prior = hasattr(start, "class_prior_")
    return bool(
        trees.ndim == 2
        and trees.shape[1] == estimator.n_trees_per_iteration_ == columns
        and all(tree.n_features_in_ == features for tree in trees.flat)
        and (is_prior or not hasattr(start, "classes_") or len(start.classes_) == classes)
        and (not is_prior or len(start.class_prior_) == start.n_classes_ == classes)
        and (not hasattr(start, "n_outputs_") or start.n_outputs_ == 1)
    )


def is_sound_encoder(encoder: Any, features: float) -> bool:
    """The columns of a one-hot encoder are those of its categories: it makes them the indices of a sparse matrix."""
    grouped, *groups, dropped, widths = hidden_state(encoder, model_types.ONE_HOT)
    categories = encoder.categories_
    each: list[Any] = [None] * len(categories)
    rare, mappings = groups if grouped else (each, each)
    left_out = each if dropped is None else list(dropped)
    columns = list(zip(categories, rare, mappings, left_out, widths, strict=True))
    return len(columns) == features and all(_is_sound_column(*column) for column in columns)


def _is_sound_column(categories: Any, rare: Any, mapping: Any, dropped: Any, width: Any) -> bool:
    """One column: its rare categories are grouped as the last, `dropped` of what remains has no column."""
    count = len(categories)
    if (rare is None) != (mapping is None) or not _is_ascending(categories):
        return False
    if rare is not None:
        if not (((rare >= 0) & (rare < count)).all() and len(mapping) == count):
            return False
        count -= len(rare) - 1
        if not (mapping.dtype.kind == "i" and ((mapping >= 0) & (mapping < count)).all()):
            return False
    if dropped is not None:
        if not (isinstance(dropped, Integral) and 0 <= int(dropped) < count):
            return False
        count -= 1
    return isinstance(width, Integral) and int(width) == count


def _is_ascending(categories: Any) -> bool:
    """Whether numbers among the categories are in order, NaN last: they are found by bisection, others by a dict."""
    import numpy as np

    if categories.ndim != 1:
        return False
    if categories.dtype == object:
        numbers = [one for one in categories if isinstance(one, (int, float, np.number))]
        categories = np.array(numbers, dtype=np.float64)
    if categories.dtype.kind not in "iufb":
        return True
    whole = categories[: len(categories) - int(np.isnan(categories[-1:]).sum())]
    return bool((whole[:-1] < whole[1:]).all() and not np.isnan(whole).any())


def is_sound_generator(generator: Any) -> bool:
    """Whether a generator of random numbers, which compiled code reads unchecked, is within its own state."""
    import numpy as np

    is_legacy = isinstance(generator, np.random.RandomState)
    state = generator.get_state(legacy=False) if is_legacy else generator.bit_generator.state
    name = state["bit_generator"]
    if name in _STATELESS:
        return True
    if name not in _STATES:
        return False
    key, size = _STATES[name]
    return bool(0 <= (state["state"] if name == "MT19937" else state)[key] <= size)
