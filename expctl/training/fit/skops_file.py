"""Pipelines as skops bytes, as they are kept with a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.training.models.families import FAMILIES, of_class
from expctl.training.models.steps import final_estimator, is_from_factory

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


# A plain function of numpy, through which a factory's model reads its text column.
_RAVEL: Final = "numpy.ravel"


def trusted_types() -> tuple[str, ...]:
    """Types beyond skops' own list that our models need: what the table of families says of each, and why."""
    return (_RAVEL, *dict.fromkeys(name for family in FAMILIES.values() for name in family.model_types))


def dumped(pipeline: Pipeline) -> tuple[bytes, list[str] | None]:
    """A fitted pipeline as skops bytes, and the types in it that skops does not know."""
    import skops.io

    content = compat.dump_unindented(pipeline)
    return content, sorted(set(skops.io.get_untrusted_types(data=content))) if _unusual(pipeline) else None


def _unusual(pipeline: Pipeline) -> bool:
    """Whether a pipeline may hold types that skops does not know (looking costs a second writing of the model)."""
    family = of_class(type(final_estimator(pipeline)))
    return is_from_factory(pipeline) or family is None or bool(family.model_types)


def reloaded(pipeline: Pipeline) -> Any:
    """A pipeline of this process as it comes back from a file: what is equal then is equal in its layout too."""
    import skops.io

    content, _ = dumped(pipeline)
    return skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
