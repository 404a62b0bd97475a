"""Unfitted estimators of scikit-learn as Python: constructor calls with the arguments that are not the defaults."""

from __future__ import annotations

import inspect
import math
from typing import Any, Final

_WIDTH: Final = 100


def constructor(value: Any, imports: set[tuple[str, str]], *, indent: int = 0) -> str:
    """A value as an expression, an estimator or splitter as the call that makes it.

    `imports` gets the (module, name) of all that it names. Raises ValueError for what cannot be written.
    """
    from sklearn.base import BaseEstimator
    from sklearn.model_selection import BaseCrossValidator

    parts: list[str]
    if isinstance(value, (BaseEstimator, BaseCrossValidator)):
        kind = type(value)
        imports.add((_public(kind), kind.__name__))
        known = inspect.signature(kind).parameters
        usual = {key: one.default for key, one in known.items() if one.kind is not one.VAR_KEYWORD}
        given = {key: getattr(value, key) for key in usual}
        if len(usual) < len(known):  # it takes others too, as LightGBM's and XGBoost's do
            usual |= kind().get_params(deep=False)
            given |= value.get_params(deep=False)
        changed = {key: one for key, one in given.items() if key not in usual or not _same(one, usual[key])}
        first = next((key for key, one in known.items() if one.kind is one.POSITIONAL_OR_KEYWORD), None)
        parts = [
            (f"{key}=" if key != first or len(changed) > 1 else "") + constructor(one, imports, indent=indent + 4)
            for key, one in changed.items()
        ]
        start, end = f"{kind.__name__}(", ")"
    elif isinstance(value, (list, tuple)):
        parts = [constructor(one, imports, indent=indent + 4) for one in value]
        start, end = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
    elif isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    elif value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    else:
        raise ValueError(f"a {type(value).__name__} among the parameters of a model")
    line = f"{start}{', '.join(parts)}{end}"
    if "\n" not in line and indent + len(line) <= _WIDTH:
        return line
    inner, outer = " " * (indent + 4), " " * indent
    return "\n".join([start, *(f"{inner}{part}," for part in parts), f"{outer}{end[-1]}"])


def _public(kind: type) -> str:
    """The module by which people import a class: `sklearn.linear_model`, not `sklearn.linear_model._logistic`."""
    names = kind.__module__.split(".")
    private = next((i for i, name in enumerate(names) if name.startswith("_")), len(names))
    return ".".join(names[:private])


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))
