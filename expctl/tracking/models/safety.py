"""What is proved of a model file before it is used: it unpacks to a sane size, and its trees stay in themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

AGAIN: Final = "train it again"
_UNPACKED: Final = 1 << 30  # bytes that any model may unpack to; a larger one may be compressed to this share
_UNPACKED_TIMES: Final = 20


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


def check_trees(estimator: Any, where: str) -> None:
    """Raise DataError unless every tree stays inside its own arrays and the features that it is given.

    Trees are looked for everywhere: alone, in a forest, in a forest that a factory wrapped.
    """
    import numpy as np

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
        elif hasattr(part, "__dict__"):
            held = vars(part)
            own = min(features, held.get("n_features_in_", math.inf))
            if "tree_" in held and not _is_sound(held["tree_"], own):
                raise DataError(f"the {where} is damaged: a tree has child indices out of range")
            # What an ensemble is given goes to its members unchecked; other parts are given something of their own.
            pending += [(value, own if name == "estimators_" else math.inf) for name, value in held.items()]
        pending += [(value, features) for value in inner]


def _is_sound(tree: Any, features: float) -> bool:
    import numpy as np

    if tree.node_count > tree.capacity:  # first: the arrays below are node_count long, whatever memory there is
        return False
    parents = np.flatnonzero(tree.children_left != -1)
    children = np.concatenate([tree.children_left[parents], tree.children_right[parents]])
    used = tree.feature[parents]
    forward = (children > np.tile(parents, 2)).all() and (children < tree.node_count).all()
    return bool(forward and (used >= 0).all() and (used < features).all())
