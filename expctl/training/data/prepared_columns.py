"""The columns of a table prepared once for many trainings: the matrices that a model is fitted on and asked of.

A training that reads them is the same to the last bit, the warnings of the preparation included. Knows no recipe.
"""

from __future__ import annotations

import pickle
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import pandas as pd
    from sklearn.compose import ColumnTransformer

LIMIT: Final = 2**31  # bytes of the matrices of all parts: with more it is not worth while to share them


@dataclass(frozen=True)
class PreparedPart:
    """What one training reads: the matrix of the rows it is fitted on, and of those it is measured on.

    `fitted` is the pickled ColumnTransformer that made both: bytes, as its arrays must not lie in memory that is
    shared between processes. `fit_warnings` and `transform_warnings` are what making them warned of.
    """

    fitted: bytes
    train: Any
    test: Any
    fit_warnings: tuple[Warning, ...]
    transform_warnings: tuple[Warning, ...]


def prepare_parts(
    unfitted: ColumnTransformer,
    frame: pd.DataFrame,
    labels: np.ndarray,
    parts: Iterable[tuple[np.ndarray, np.ndarray]],
) -> list[PreparedPart] | None:
    """Each part prepared by a clone of its own; `labels` are those of the first rows, all that are fitted on.

    None where they are more than `LIMIT`, and where the preparation fails: each training then says so by itself.
    """
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    found: list[PreparedPart] = []
    size = 0
    for fit_on, measure_on in parts:
        columns = clone(unfitted)
        try:
            with threadpool_limits(limits=1):
                train, noticed = _noticing(columns.fit_transform, frame.iloc[fit_on], labels[fit_on])
                test, late = _noticing(columns.transform, frame.iloc[measure_on])
        except Exception:
            return None
        size += sum(array.nbytes for matrix in (train, test) for array in _arrays(matrix).values())
        if size > LIMIT:
            return None
        found.append(PreparedPart(pickle.dumps(columns), train, test, noticed, late))
    return found


def _noticing(work: Any, *given: Any) -> tuple[Any, tuple[Warning, ...]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = work(*given)
    return made, tuple(one.message for one in caught if isinstance(one.message, Warning))


@contextmanager
def reading_prepared(columns: ColumnTransformer, part: PreparedPart) -> Iterator[None]:
    """In the block, `columns` gives the matrices of a part, whatever rows it is given; after it, it is fitted."""

    def fit_transform(_frame: Any, _labels: Any = None, **_: Any) -> Any:
        vars(columns).update(vars(pickle.loads(part.fitted)))
        return _given(part.train, part.fit_warnings)

    def transform(_frame: Any, **_: Any) -> Any:
        return _given(part.test, part.transform_warnings)

    vars(columns).update(fit_transform=fit_transform, transform=transform)
    try:
        yield
    finally:
        del columns.fit_transform, columns.transform


def _given(matrix: Any, noticed: tuple[Warning, ...]) -> Any:
    """A matrix in memory of its own, laid out in the same way: an estimator may write to it, or keep it."""
    import numpy as np

    for one in noticed:
        warnings.warn(one, stacklevel=2)
    if not hasattr(matrix, "indptr"):
        return np.array(matrix)
    made = type(matrix)(matrix.shape, dtype=matrix.dtype)
    for name, array in _arrays(matrix).items():
        setattr(made, name, np.array(array))
    return made


def _arrays(matrix: Any) -> dict[str, np.ndarray]:
    """What a matrix is made of: itself, or the parts of a sparse one."""
    if not hasattr(matrix, "indptr"):
        return {"": matrix}
    return {name: getattr(matrix, name) for name in ("data", "indices", "indptr")}
