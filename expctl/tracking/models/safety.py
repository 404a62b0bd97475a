"""What is proved of a model file before it is used: it unpacks to a sane size, and its arrays are what compiled code
takes them for.

Loading runs no code of the file; but scikit-learn's compiled code trusts fitted arrays, and with a wrong index reads
past them. Every such array is proved here: sparse matrices, trees, rows of neighbours, support vectors, vocabularies;
and by `table_arrays.py`: boosted trees, encoders of categories, generators of random numbers.
"""

from __future__ import annotations

import math
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

from expctl import model_types
from expctl.errors import DataError
from expctl.tracking.models.table_arrays import (
    hidden_state,
    is_column_check,
    is_sound_boosting,
    is_sound_encoder,
    is_sound_generator,
    is_sound_stages,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AGAIN: Final = "train it again"
_UNPACKED: Final = 1 << 30  # bytes that any model may unpack to; a larger one may be compressed to this share
_UNPACKED_TIMES: Final = 20
_KERNELS: Final = ("linear", "poly", "rbf", "sigmoid")  # a precomputed one is indexed by what the file says


def check_size(content: bytes, where: str) -> None:
    """Raise DataError for a file's bytes that unpack to far more than they are. Ours, and skops' own, hardly do."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(f"the {where} is damaged: {error}", hint=AGAIN) from error
    if unpacked > max(_UNPACKED, _UNPACKED_TIMES * len(content)):
        raise DataError(f"the {where} would unpack to {unpacked >> 20:,} MB: it is not loaded", hint=AGAIN)


def check_arrays(estimator: Any, where: str) -> None:
    """Raise DataError unless every fitted array in a model stays in its bounds.

    They are looked for everywhere: alone, in a forest, in whatever a factory wrapped. An object without them is passed.
    """
    import numpy as np
    from scipy import sparse

    seen: set[int] = set()
    pending: list[tuple[Any, float]] = [(estimator, math.inf)]
    while pending:
        part, features = pending.pop()
        if isinstance(part, (str, int, float)) or id(part) in seen:
            continue
        seen.add(id(part))
        inner: Iterable[Any] = ()
        if isinstance(part, (list, tuple)):
            inner = part
        elif isinstance(part, dict):
            inner = part.values()
        elif isinstance(part, np.ndarray) and part.dtype == object:
            inner = part.flat
        elif sparse.issparse(part):
            _refuse_unless(_is_sound_matrix(part), where, "a sparse matrix has indices out of range")
        elif isinstance(part, (np.random.RandomState, np.random.Generator)):
            _refuse_unless(is_sound_generator(part), where, "a generator of random numbers is out of its range")
        elif isinstance(part, partial):
            _refuse_unless(is_column_check(part), where, "a partial function is none of scikit-learn's")
        elif hasattr(part, "__dict__"):
            pending += _looked_at(part, features, where)
        pending += [(value, features) for value in inner]


def _looked_at(part: Any, features: float, where: str) -> list[tuple[Any, float]]:
    """Refuse an object of unsound arrays; gives what it holds, each with the number of columns that it is given."""
    held, width = vars(part), getattr(part, "n_features_in_", math.inf)
    _refuse_unless(isinstance(width, (int, float, Integral)), where, "its number of columns is none")
    own = min(features, width)
    for attribute, check, problem in _CHECKS:
        if attribute in held:
            _refuse_unless(_holds(check, part, own), where, problem)
    # What an ensemble is given goes to its members unchecked, and to itself where it does not say how many columns it
    # has; other parts are given something of their own.
    members = own if own < math.inf else 0
    return [(value, members if name == "estimators_" else math.inf) for name, value in held.items()]


def _refuse_unless(sound: bool, where: str, problem: str) -> None:
    if not sound:
        raise DataError(f"the {where} is damaged: {problem}", hint=AGAIN)


def _holds(check: Callable[[Any, float], bool], part: Any, features: float) -> bool:
    """What a check says; False where what it looks at is not there, or of another type than it is."""
    try:
        return check(part, features)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        return False


def _is_sound_tree(estimator: Any, features: float) -> bool:
    import numpy as np

    tree = estimator.tree_
    if not 1 <= tree.node_count <= tree.capacity:  # first: what is read below is node_count long, whatever memory is
        return False
    parents = np.flatnonzero(tree.children_left != -1)
    children = np.concatenate([tree.children_left[parents], tree.children_right[parents]])
    used = tree.feature[parents]
    forward = (children > np.tile(parents, 2)).all() and (children < tree.node_count).all()
    # Without a number of columns of its own it is handed tables of any.
    return bool(forward and features < math.inf and (used >= 0).all() and (used < min(features, tree.n_features)).all())


def _is_sound_matrix(matrix: Any) -> bool:
    try:
        matrix.check_format(full_check=True)
    except AttributeError:
        return False  # of a format that no estimator keeps
    except ValueError:
        return False
    return True


def _is_sound_neighbours(estimator: Any, features: float) -> bool:
    """Rows, labels and the number of neighbours of one another's length; no tree, whose nodes would be trusted."""
    kind = type(estimator)
    if not hasattr(kind, "kneighbors") and not hasattr(kind, "radius_neighbors"):
        return True  # an imputer, which keeps its rows by the same name and reads them with numpy alone
    rows, labels, tree = hidden_state(estimator, model_types.NEIGHBOURS)
    count, neighbours = rows.shape[0], 1 if estimator.n_neighbors is None else estimator.n_neighbors
    return bool(
        tree is None
        and rows.shape[1] == features
        and estimator.n_samples_fit_ == count >= neighbours >= 1
        and (
            _are_classes(labels, estimator.classes_, count)
            if hasattr(kind, "predict_proba")
            else labels is None or len(labels) == count
        )
        and not estimator.effective_metric_params_.keys() - {"p"}
        and not (estimator.metric_params or {}).keys() - {"p"}
    )


def _are_classes(labels: Any, names: Any, count: int) -> bool:
    """Whether labels are the numbers of classes, of one target or of several."""
    import numpy as np

    classes = names if labels.ndim == 2 else [names]
    columns = labels.reshape(count, len(classes)).T
    inside = (((column >= 0) & (column < len(of))).all() for column, of in zip(columns, classes, strict=True))
    return labels.dtype == np.intp and all(inside)


def _is_sound_support(estimator: Any, features: float) -> bool:
    """Support vectors, coefficients and intercepts of the lengths that libsvm goes by, those of the classes."""
    import numpy as np
    from scipy import sparse

    vectors, state = estimator.support_vectors_, hidden_state(estimator, model_types.SUPPORT)
    all_numbers, coefficients, intercepts, *probabilities, is_sparse, is_probable = state
    if is_probable is None:  # before scikit-learn 1.9 the parameter alone says it
        is_probable = estimator.probability
    is_own_solver = hidden_state(estimator, model_types.SOLVER) == hidden_state(type(estimator), model_types.SOLVER)
    classifies = hasattr(estimator, "classes_")
    numbers = all_numbers if classifies else all_numbers[:1]
    count, pairs = int(numbers.sum()), len(numbers) * (len(numbers) - 1) // 2 if classifies else 1
    rows = len(numbers) - 1 if classifies else 1
    both = (vectors, coefficients)
    arrays = (
        intercepts,
        *probabilities,
        *(one.data if is_sparse else one for one in both),
    )
    # Asked for probabilities, libsvm reads them for each pair of classes; else there may be none.
    sizes = (pairs,) if is_probable else (0, pairs)
    # It reads the coefficients of a sparse model as if each of them were there.
    whole = not is_sparse or (
        len(coefficients.data) == rows * count
        and all(one.format == "csr" for one in both)
        and vectors.indices.dtype == vectors.indptr.dtype == np.int32
    )
    return bool(
        whole
        and is_own_solver
        and estimator.kernel in _KERNELS
        and all(sparse.issparse(one) == bool(is_sparse) for one in both)
        and (vectors.shape, coefficients.shape) == ((count, features), (rows, count))
        and (numbers.dtype == np.int32 and (numbers >= 0).all())
        and (not classifies or len(numbers) == len(estimator.classes_))
        and all(one.dtype == np.float64 and one.flags.c_contiguous for one in arrays)
        and estimator.support_.shape == (count,)
        and len(intercepts) == pairs
        and all(len(one) in sizes for one in probabilities)
    )


def _is_sound_vocabulary(vectorizer: Any, _features: float) -> bool:
    """Each term has a column of its own: they become the indices of a matrix that nobody checks any more."""
    columns = list(vectorizer.vocabulary_.values())
    return all(isinstance(one, Integral) for one in columns) and sorted(columns) == list(range(len(columns)))


def _is_sound_centroids(estimator: Any, features: float) -> bool:
    return bool(estimator.centroids_.shape == (len(estimator.classes_), features))


# A fitted attribute, what is proved of the estimator that has it, and what is wrong else.
_CHECKS: Final[tuple[tuple[str, Callable[[Any, float], bool], str], ...]] = (
    ("tree_", _is_sound_tree, "a tree has child indices out of range"),
    (model_types.NEIGHBOURS[0], _is_sound_neighbours, "its rows, classes and neighbours do not fit together"),
    ("support_vectors_", _is_sound_support, "its support vectors and coefficients do not fit together"),
    ("vocabulary_", _is_sound_vocabulary, "its vocabulary has columns out of range"),
    ("centroids_", _is_sound_centroids, "its centroids are of another shape"),
    ("init_", is_sound_stages, "its stages are not of as many trees as it has columns"),
    (model_types.BOOSTING[0], is_sound_boosting, "its boosted trees have indices out of range"),
    (model_types.ONE_HOT[-1], is_sound_encoder, "the columns of a one-hot encoder are not those of its categories"),
)
