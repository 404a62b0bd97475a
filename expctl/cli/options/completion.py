"""What a shell is offered to complete a word: runs, experiments, metrics, columns, tags.

Asks a local store, or says nothing: a completion that makes its user wait, or prints an error into the line, is worse
than none. Only an SQLite store that is read without MLflow is asked.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import typer

from expctl.errors import ExpctlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from expctl.tracking.store import Store

_MOST: Final = 50
_MEANINGS: Final = ("latest", "best")


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """Names of runs that begin so, newest first; ids, where nothing but an id does; then EXPERIMENT/NAME."""
    return _offered(context, incomplete, _run_names)


def experiments(context: typer.Context, incomplete: str) -> list[str]:
    """Names of experiments."""
    return _offered(context, incomplete, lambda store, _: _of_experiments(store))


def all_experiments(context: typer.Context, incomplete: str) -> list[str]:
    """Names of experiments, deleted ones too where these are asked for."""
    wanted = bool(context.params.get("deleted") or context.params.get("restore") or context.params.get("purge"))
    return _offered(
        context,
        incomplete,
        lambda store, _: [one.name for one in store.all_experiments.every() if wanted or not one.deleted],
    )


def metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Metrics of any run."""
    return _offered(context, incomplete, lambda store, _: store.keys()["metrics"])


def columns(context: typer.Context, incomplete: str) -> list[str]:
    """What may stand in a list of columns, behind the last comma."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _offered(context, last, _column_names)]


def sort_keys(context: typer.Context, incomplete: str) -> list[str]:
    """What runs may be sorted by."""
    return _offered(context, incomplete, _column_names)


def tags(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of tags for people, with the equals sign that follows."""
    return _offered(context, incomplete, lambda store, _: [f"{key}=" for key in _of_people(store)])


def tag_keys(context: typer.Context, incomplete: str) -> list[str]:
    """Keys of tags for people."""
    return _offered(context, incomplete, lambda store, _: _of_people(store))


def _offered(context: typer.Context, incomplete: str, names: Callable[[Store, str], Iterable[str]]) -> list[str]:
    from expctl.settings import load_settings
    from expctl.tracking.store import open_local

    with suppress(ExpctlError):
        given = context.params
        asked = given.get("experiment") or ()  # one name, or several
        asked = [asked] if isinstance(asked, str) else list(asked)
        store = open_local(load_settings(tracking_uri=given.get("tracking_uri")))
        if store is not None:
            if asked or given.get("all_experiments"):
                store = store.among(asked or None)
            found = [name for name in names(store, incomplete) if name.startswith(incomplete) and name.isprintable()]
            return list(dict.fromkeys(found))[:_MOST]
    return []


def _of_experiments(store: Store) -> list[str]:
    return [one.name for one in store.all_experiments.every() if not one.deleted]


def _run_names(store: Store, incomplete: str) -> Iterable[str]:
    from expctl.tracking.runs.references import within

    found = list(_names_among(store, incomplete))
    for inner, rest in within(store, incomplete):
        found += [f"{inner.settings.experiment}/{name}" for name in _names_among(inner, rest)]
    return [*found, *(f"{name}/" for name in _of_experiments(store) if incomplete)]


def _names_among(store: Store, incomplete: str) -> Iterable[str]:
    from expctl.filters.expression import attribute
    from expctl.tracking.readers.protocol import BARE

    for key in ("run_name", "run_id"):
        like = attribute(key, "like", f"{incomplete}%")
        found = store.find(also=like, limit=_MOST, columns=BARE)
        if found:
            names = [run.name if key == "run_name" else run.run_id for run in found]
            return [*names, *_MEANINGS] if key == "run_name" else names
    return _MEANINGS


def _column_names(store: Store, _: str) -> Iterable[str]:
    from expctl.analysis.run_values import ATTRIBUTES

    keys = store.keys()
    return [*ATTRIBUTES, *keys["metrics"], *keys["params"], *_of_people(store)]


def _of_people(store: Store) -> list[str]:
    return [key for key in store.keys()["tags"] if not key.startswith(("mlflow.", "expctl."))]
