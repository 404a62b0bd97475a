"""What a family of models is, and what families of classes and of numbers share. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from expctl.parameters import Interval, Options, Parameter, count, non_negative, positive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import Value

UNSCALED: Final[Mapping[str, Value]] = {"scaler": None}  # trees split a column wherever it lies
# Missing numbers and categories are its own business.
NATIVE: Final[Mapping[str, Value]] = {"imputer": None, "scaler": None, "encoder": "native"}


@dataclass(frozen=True, slots=True)
class Family:
    """A classifier of scikit-learn and what can be set of it.

    `model_types` are the types that its model files may hold besides those that skops trusts itself. Say beside each
    why loading it runs no code of the file. `weighs`, as `module:function`, gives what each term says for each class
    (see `term_weights.py`); of a classifier that has no such thing `weighs_not` is the reason.
    `reads` says what it is offered for. `preparation` are the defaults of the preparation of a table, where they are
    others; a `dense` one reads no sparse matrix.
    """

    path: str
    help: str
    parameters: tuple[Parameter, ...]
    model_types: tuple[str, ...] = ()
    weighs: str = ""
    weighs_not: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[Literal["text", "table"], ...] = ("text", "table")
    preparation: Mapping[str, Value] = field(default_factory=dict)
    dense: bool = False

    @property
    def by_key(self) -> dict[str, Parameter]:
        """The parameters by their key."""
        return {parameter.key: parameter for parameter in self.parameters}


def boosting() -> tuple[Parameter, ...]:
    """The parameters of histogram gradient boosting."""
    return (
        positive("learning_rate", "learning_rate", 0.1),
        count("max_iter", "max_iter", 100, "most trees of each class"),
        count("max_leaf_nodes", "max_leaf_nodes", 31, low=2, or_none=True),
        count("max_depth", "max_depth", None, or_none=True),
        count("min_samples_leaf", "min_samples_leaf", 20),
        non_negative("l2_regularization", "l2_regularization", 0.0),
        Parameter("tree_max_features", "max_features", (Interval(float, 0, 1, "right"),), 1.0, "share of the columns"),
        Parameter("max_bins", "max_bins", (Interval(int, 2, 255),), 255),
        Parameter("early_stopping", "early_stopping", (Options(("auto", True, False)),), "auto"),
        Parameter("validation_fraction", "validation_fraction", (Interval(float, 0, 1, "neither"),), 0.1),
        count("n_iter_no_change", "n_iter_no_change", 10),
        non_negative("tol", "tol", 1e-7),
    )
