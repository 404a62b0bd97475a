"""What a family of models is, and the values that families of classes and of numbers share. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from expctl import model_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.parameters import Parameter
    from expctl.records import Value

UNSCALED: Final[Mapping[str, Value]] = {"scaler": None}  # trees split a column wherever it lies
# Missing numbers and categories are its own business.
NATIVE: Final[Mapping[str, Value]] = {"imputer": None, "scaler": None, "encoder": "native"}
# What files of histogram gradient boosting hold: arrays of nodes, which `check_arrays` proves, numbers, and the one
# function that checks the columns beside its categories.
BOOSTED: Final = (model_types.BOOSTED_TREE, *model_types.LOSSES, *model_types.CATEGORIES)


@dataclass(frozen=True, slots=True)
class Family:
    """An estimator of scikit-learn, or of its interface, and what can be set of it.

    `model_types` are the types that its model files may hold besides those that skops trusts itself. Say beside each
    why loading it runs no code of the file. `weighs`, as `module:function`, gives what each term says for each class
    (see `term_weights.py`); of a classifier that has no such thing `weighs_not` is the reason.
    `reads` says what it is offered for. `preparation` are the defaults of the preparation of a table, where they are
    others; a `dense` one reads no sparse matrix.
    `packages` are those of which one has it, where it is not of scikit-learn: the first is the extra that installs it.
    With `numbered_classes` it takes no others than 0, 1, 2.
    """

    path: str
    help: str
    parameters: tuple[Parameter, ...]
    model_types: tuple[str, ...] = ()
    weighs: str = ""
    weighs_not: str = ""
    fixed: Mapping[str, Value] = field(default_factory=dict)
    reads: tuple[Literal["text", "table"], ...] = ("text", "table")
    preparation: Mapping[str, Value] = field(default_factory=dict)
    dense: bool = False
    packages: tuple[str, ...] = ()
    numbered_classes: bool = False

    @property
    def by_key(self) -> dict[str, Parameter]:
        """The parameters by their key."""
        return {parameter.key: parameter for parameter in self.parameters}
