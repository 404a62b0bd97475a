"""Pipelines as skops bytes, as they are kept with a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl import compat, model_types
from expctl.training.models.families import FAMILIES, of_class
from expctl.training.models.preparation import CATEGORICAL, NUMERIC
from expctl.training.models.regressors import REGRESSORS
from expctl.training.models.steps import final_estimator, fitted_transformer, is_calibrated, is_from_factory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sklearn.pipeline import Pipeline


# A plain function of numpy, through which a factory's model reads its text column.
_RAVEL: Final = "numpy.ravel"
# The type of the numbers that an imputer was fitted on, which skops makes from an empty array of them.
_DTYPE: Final = "numpy.dtype"


class UntrustedTypes(Exception):
    """A file holds types that nothing trusts; the message names them."""


def trusted_types() -> tuple[str, ...]:
    """Types beyond skops' own list that our models need: what the table of families says of each, and why."""
    families = (*FAMILIES.values(), *REGRESSORS.values())
    types = dict.fromkeys(name for family in families for name in family.model_types)
    return (_RAVEL, _DTYPE, *model_types.FOLDS, *model_types.CALIBRATION, *types)


def dumped(pipeline: Pipeline) -> tuple[bytes, list[str] | None]:
    """A fitted pipeline as skops bytes, and the types in it that skops does not know."""
    compat.skops_io()
    content = compat.dump_unindented(pipeline)
    return content, untrusted_types(content) if _unusual(pipeline) else None


def untrusted_types(content: bytes) -> list[str]:
    """The types in the bytes of a skops file that skops does not trust by itself, sorted."""
    skops_io = compat.skops_io()
    found = set(skops_io.get_untrusted_types(data=content))
    if any(name.startswith("sklearn.") for name in found.difference(trusted_types())) and compat.complete_skops():
        found = set(skops_io.get_untrusted_types(data=content))
    return sorted(found)


def loaded(content: bytes, trusted: Iterable[str]) -> Any:
    """The estimator in the bytes of a skops file.

    Raises UntrustedTypes where it holds types that neither skops trusts nor `trusted` names.
    """
    skops_io, allowed = compat.skops_io(), list(trusted)
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops_io.loads(content, trusted=allowed)
    except UntrustedTypesFoundException as error:
        unknown = sorted(set(untrusted_types(content)).difference(allowed))
        if unknown:
            raise UntrustedTypes(", ".join(unknown)) from error
    return skops_io.loads(content, trusted=allowed)  # by the complete list


def _unusual(pipeline: Pipeline) -> bool:
    """Whether a pipeline may hold types that skops does not know (looking costs a second writing of the model)."""
    if any(fitted_transformer(pipeline, name) is not None for name in (NUMERIC, CATEGORICAL)):
        return True  # what an imputer and an encoder were fitted on
    family = of_class(type(final_estimator(pipeline)))
    if is_from_factory(pipeline) or is_calibrated(pipeline) or family is None:
        return True
    return bool(family.model_types or family.packages)


def reloaded(pipeline: Pipeline) -> Any:
    """A pipeline of this process as it comes back from a file: what is equal then is equal in its layout too."""
    content, _ = dumped(pipeline)
    return loaded(content, untrusted_types(content))
