"""Run references: the one grammar by which every command is told a run. Never picks silently among several.

full id · unique id prefix (4+ characters) · of an imported run the id it had too · run name · `EXPERIMENT/NAME`, NAME
being any of these · `latest`, `latest~2` · `best`, `best:METRIC` · `NAME@ALIAS` and `models:/NAME/3`,
`models:/NAME@ALIAS` from the registry · a filter that one run fits.
"""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from expctl.analysis.ranking import ranking_order
from expctl.errors import RunNotFound
from expctl.filters.expression import FINISHED, NO_SWEEP, REGULAR_RUNS, Condition, Field, all_of, attribute, fit_for
from expctl.filters.parse import FilterError, parse
from expctl.metrics import nearest, without_metric
from expctl.records import Tag
from expctl.tracking.errors import lacks_endpoint, store_errors
from expctl.tracking.models import registry
from expctl.tracking.names import ALIAS, BEST, ID, LATEST, REGISTRY, VERSION
from expctl.tracking.readers.protocol import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.filters.expression import Expression
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_PREFIX: Final = re.compile(r"[0-9a-f]{4,32}")
_TOO_SHORT: Final = re.compile(r"[0-9a-f]{1,3}")
_FILTER: Final = re.compile(r"[=<>]|\s(?:i?like|in|is)\s|^\s*(?:has|not)\s", re.IGNORECASE)
_SHOWN: Final = 5
_LOOKED_AT: Final = 200


def resolve(store: Store, reference: str) -> RunRecord:
    """The one run a reference means, in the experiments that the store looks in; a full id is found in any.

    Raises RunNotFound, listing the candidates, where there is none or more than one: a run whose name reads like
    `latest` or the start of another run's id is one of several, one whose name reads like a filter goes first. Raises
    FilterError for a filter that is broken.
    """
    if not reference:
        raise RunNotFound("an empty run reference", hint="expctl list")
    if match := VERSION.fullmatch(reference):
        return _registered(store, match["name"], version=match["version"])
    if ID.fullmatch(reference):
        with suppress(RunNotFound):
            return store.get(reference)
    named = _by_name(store, reference)
    if not named and (inner := within(store, reference)):
        return _resolve_within(inner, reference)
    if named and _reads_as_filter(reference):  # which can be written in other ways
        return only(named, reference)
    try:
        meant = _by_meaning(store, reference)
    except (RunNotFound, FilterError):
        if not named:
            raise
        meant = []
    found = list({run.run_id: run for run in [*named, *meant]}.values())
    if found:
        return only(found, reference)
    if (gone := _deleted(store, reference)) is not None:
        raise RunNotFound(f"run {gone.described} has been deleted", hint=f"expctl restore {gone.run_id}")
    _check_filter(reference)
    raise _nowhere(store, reference)


def within(store: Store, reference: str) -> list[tuple[Store, str]]:
    """What EXPERIMENT/NAME may mean: the store looked through in that experiment, and the rest of the reference.

    Several, where the names of experiments have slashes themselves.
    """
    if "/" not in reference or reference.startswith(REGISTRY):
        return []
    names = [one.name for one in store.all_experiments.every()]
    return [
        (store.among([name]), reference[len(name) + 1 :])
        for name in names
        if reference.startswith(f"{name}/") and len(reference) > len(name) + 1
    ]


def _resolve_within(inner: Sequence[tuple[Store, str]], reference: str) -> RunRecord:
    """The run of EXPERIMENT/NAME. Raises RunNotFound where NAME means none there."""
    found: list[RunRecord] = []
    refusal: RunNotFound | None = None
    for store, rest in inner:
        try:
            run = resolve(store, rest)
        except RunNotFound as error:
            there = shlex.join(["expctl", "list", "-e", store.settings.experiment])
            refusal = RunNotFound(error.message, hint=there if error.hint == "expctl list" else error.hint)
            continue
        if run.experiment == store.settings.experiment:  # a full id, or a registered model, may be another's
            found.append(run)
        else:
            refusal = RunNotFound(f"run {run.described} is in experiment {run.experiment!r}", hint=f"RUN {run.run_id}")
    if not found and refusal is not None:
        raise refusal
    return only(found, reference)


def _nowhere(store: Store, reference: str) -> RunNotFound:
    """The error of a reference without a run: told of EXPERIMENT/NAME too, where there is no such experiment."""
    if _TOO_SHORT.fullmatch(reference):
        hint = "the start of an id has 4 characters or more"
        return RunNotFound(f"no run is called {reference!r} {store.where}", hint=hint)
    experiment, slash, _ = reference.rpartition("/")
    if not slash or reference.startswith(REGISTRY):
        return RunNotFound(f"no run {reference!r} {store.where}", hint="expctl list")
    nor = f"and no experiment {experiment!r}{store.all_experiments.closest(experiment)}"
    return RunNotFound(f"no run {reference!r} {store.where}, {nor}", hint="expctl experiments")


def _by_meaning(store: Store, reference: str) -> list[RunRecord]:
    """The runs a reference means by its form, whatever runs are called."""
    if match := LATEST.fullmatch(reference):
        return [_latest(store, reference, int(match[1] or 0))]
    if match := BEST.fullmatch(reference):
        return [best_run(store, match[1])]
    if match := ALIAS.fullmatch(reference):
        return [_registered(store, match["name"], alias=match["alias"])]
    if _PREFIX.fullmatch(reference):
        found = store.find(also=attribute("run_id", "like", f"{reference}%"), limit=_SHOWN + 1)
        imported = Condition(Field("tags", Tag.IMPORTED_ID), "like", f"{reference}%")
        return found or store.find(also=imported, everywhere=ID.fullmatch(reference) is not None, limit=_SHOWN + 1)
    return store.find(reference, limit=_SHOWN + 1) if _reads_as_filter(reference) else []


def is_set(store: Store, reference: str) -> bool:
    """Whether a reference means a set of runs, a glob over run names or a filter, and is no run's very name."""
    return _reads_as_set(reference) and not _by_name(store, reference)


def _reads_as_set(reference: str) -> bool:
    return bool(re.search(r"[*?\[]", reference)) or _reads_as_filter(reference)


def _reads_as_filter(reference: str) -> bool:
    """Whether a reference looks like a filter, and is one."""
    if not _FILTER.search(reference):
        return False
    try:
        parse(reference)
    except FilterError:
        return False
    return True


def _check_filter(reference: str) -> None:
    """Raise FilterError for what looks like a filter and is none: that tells more than that there is no such run."""
    if _FILTER.search(reference):
        parse(reference)


def resolve_set(store: Store, reference: str, *, among: Expression = FINISHED) -> list[RunRecord]:
    """The finished runs of a set, or others `among` which to look, newest first; of a reference to one run, that run.

    Raises RunNotFound for none, FilterError for a filter that is broken.
    """
    if not is_set(store, reference):
        return [resolve(store, reference)]
    if _reads_as_filter(reference):
        found = store.find(reference, also=among)
    else:
        start = re.split(r"[*?\[]", reference)[0]  # an underscore in it fits more names, which the glob then does not
        named = store.find(also=all_of(among, attribute("run_name", "like", f"{start}%")))
        found = [run for run in named if fnmatchcase(run.name, reference)]
    if not found and (inner := within(store, reference)):
        return [run for other, rest in inner for run in resolve_set(other, rest, among=among)]
    if not found:
        _check_filter(reference)
        raise RunNotFound(f"no {'finished ' if among is FINISHED else ''}run matches {reference!r}", hint="expctl list")
    return found


def best_run(store: Store, metric: str | None = None) -> RunRecord:
    """The finished run with the best value of a metric, else of f1_score, or where no run has that of r2.

    Raises RunNotFound if no run has it, or one that is called like it.
    """
    found = _best(store, metric or "f1_score") or ([] if metric is not None else _best(store, "r2"))
    if found:
        return found[0]
    metric, present = metric or "f1_score", present_metrics(store)
    if (near := nearest(metric, present, store.note)) != metric:
        return best_run(store, near)
    raise without_metric("no finished run has", metric, present, option="best:METRIC of ")


def _best(store: Store, metric: str) -> list[RunRecord]:
    return store.find(also=fit_for(metric), order=ranking_order(metric), limit=1)


def present_metrics(store: Store, filter: str = "") -> set[str]:
    """The metrics of the runs that may be ranked, or of the newest of them where they are many."""
    bare = Projection(frozenset(), None, frozenset(), datasets=False)
    found = store.find(filter, also=all_of(NO_SWEEP, REGULAR_RUNS), limit=_LOOKED_AT, columns=bare)
    return {key for run in found for key in run.metrics}


def _by_name(store: Store, name: str) -> list[RunRecord]:
    return store.find(also=attribute("run_name", "=", name), limit=_SHOWN + 1)


def _deleted(store: Store, reference: str) -> RunRecord | None:
    """A deleted run of this name or start of an id."""
    found = store.find(also=attribute("run_name", "=", reference), deleted=True, limit=1)
    if not found and _PREFIX.fullmatch(reference):
        found = store.find(also=attribute("run_id", "like", f"{reference}%"), deleted=True, limit=1)
    return found[0] if found else None


def only(found: Sequence[RunRecord], reference: str) -> RunRecord:
    """The one run that was found for a reference. Raises RunNotFound, listing them, where they are several."""
    if len(found) == 1:
        return found[0]
    apart = len({run.experiment for run in found}) > 1
    labels = [f"{run.experiment}/{run.label}" if apart else run.label for run in found[:_SHOWN]]
    shown = ", ".join(f"{run.run_id[:8]} ({label})" for run, label in zip(found, labels, strict=False))
    more = ", ..." if len(found) > _SHOWN else ""
    registered = ALIAS.fullmatch(reference) and not reference.startswith(REGISTRY)
    hint = "use the id, or EXPERIMENT/NAME" if apart else "use more of the id"
    if registered:
        hint = f"use the id, or models:/{reference} for the registry's"
    raise RunNotFound(f"{reference!r} matches several runs: {shown}{more}", hint=hint)


def _latest(store: Store, reference: str, back: int) -> RunRecord:
    found = store.find(also=REGULAR_RUNS, limit=back + 1)
    if len(found) <= back:
        raise RunNotFound(f"no run {reference!r}: there are {len(found)} {store.where}", hint="expctl list")
    return found[back]


def _registered(store: Store, name: str, *, version: str | None = None, alias: str | None = None) -> RunRecord:
    client = store.client
    from mlflow.exceptions import MlflowException

    try:
        with store_errors(store.settings):
            try:
                if alias is not None:
                    found = client.get_model_version_by_alias(name, alias)
                else:
                    found = client.get_model_version(name, str(version))
            except MlflowException as error:
                if alias is None or not lacks_endpoint(error):
                    raise
                found = client.get_model_version(name, str(registry.known(store, name).version_of(alias)))
    except RunNotFound as error:
        raise RunNotFound(error.message, hint=f"expctl promote --list {shlex.quote(name)}") from error
    if not found.run_id:
        raise RunNotFound(f"version {found.version} of model {name!r} was not made by a run")
    return store.get(found.run_id)
