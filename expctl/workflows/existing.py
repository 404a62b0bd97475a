"""The run that a training would only repeat: finished, of the same recipe, the same data and the same code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from expctl import __version__
from expctl.data_issues import DATA_ISSUES
from expctl.errors import UsageError, mask_secrets
from expctl.filters.expression import FINISHED, REGULAR_RUNS, Condition, Field, Not, all_of
from expctl.recipe import OPTIONS
from expctl.records import Tag
from expctl.tracking.runs import provenance
from expctl.tracking.store import open_store, silent
from expctl.training.data.dataset import file_hashes
from expctl.training.models.configure import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.workflows.requests import TrainingRequest


def find_existing(
    request: TrainingRequest, note: Callable[[str], None] = silent, hashes: tuple[str, str | None] | None = None
) -> RunRecord | None:
    """The newest finished run that a request would train again, in its experiment; None if there is none.

    Files count by their content (`hashes`: of data and test data, if they are known), not by their place. The code is
    that of the git checkout, with what is not committed in it, of a factory's file, and expctl's version. Runs without
    their model, or a metric of the user's own, do not count, with `strict` none whose data were warned of. Makes no
    store.

    Raises DataError for files that cannot be read, StoreError.
    """
    store = open_store(request.settings, verbose=request.verbose, note=note)
    if not store.exists:
        return None
    data_hash, test_hash = hashes or file_hashes(request.recipe)
    conditions = [FINISHED, REGULAR_RUNS, Condition(Field("params", "data_hash"), "=", data_hash)]
    if test_hash is not None:
        conditions.append(Condition(Field("params", "test_data_hash"), "=", test_hash))
    conditions += [Condition(Field("tags", tag), "has") for tag in (Tag.RECIPE, Tag.COMPLETE, Tag.MODEL_DIGEST)]
    if request.recipe.extra_metric is not None:
        from expctl.training.fit.extra_metrics import load_extra_metrics

        conditions += [Condition(Field("metrics", one.key), "has") for one in load_extra_metrics(request.recipe)]
    if request.strict:
        refused = (key for key, check in DATA_ISSUES.items() if check.refused)
        conditions += [Not(Condition(Field("params", key), "has")) for key in refused]
    wanted, code = _wherever(request.recipe), provenance.read_code()
    alike = (run for run in store.find(also=all_of(*conditions)) if _recipe(run) == wanted)
    return next((run for run in alike if _made_by(store, run, code)), None)


def _wherever(recipe: Recipe) -> str:
    """A recipe as runs record it, without the places of its files."""
    places: dict[str, Any] = {
        key: "-" for key, one in OPTIONS.items() if one.is_file and getattr(recipe, key) is not None
    }
    return mask_secrets(replace(recipe, **places).to_json())


def _recipe(run: RunRecord) -> str | None:
    try:
        return _wherever(recorded(run.recipe_json or ""))
    except UsageError:
        return None


def _made_by(store: Store, run: RunRecord, code: provenance.Code | None) -> bool:
    """Whether a run was made by this code. Where git cannot tell what has changed, it was not."""
    now = {Tag.VERSION: __version__, **({} if code is None else code.tags())}
    if any(run.tags.get(key) != now.get(key) for key in (Tag.GIT_COMMIT, Tag.GIT_DIRTY, Tag.VERSION)):
        return False
    if code is None or code.dirty is False:
        return True
    return code.patch is not None and store.read_artifact(run, "source.patch") == code.patch
