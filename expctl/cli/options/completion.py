"""What a shell is offered to complete a word: what tables know, and what a local store or file holds.

Says nothing where it would take long: a completion that makes its user wait, or prints an error into the line, is worse
than none. Only an SQLite store that is read without MLflow is asked, and only files that are read without pyarrow.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from expctl.errors import ExpctlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from expctl.parameters import Parameter
    from expctl.tracking.store import Store

_MOST: Final = 50
_MEANINGS: Final = ("latest", "best")


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """Names of runs that begin so, newest first; ids, where nothing but an id does; then EXPERIMENT/NAME."""
    return _offered(context, incomplete, lambda store, word: [*_run_names(store, word), *_aliases(store)])


def registered(context: typer.Context, incomplete: str) -> list[str]:
    """Names of registered models."""
    return _offered(context, incomplete, lambda store, _: [name for name, _ in _registered(store)])


def aliases(context: typer.Context, incomplete: str) -> list[str]:
    """NAME@ALIAS of registered models."""
    return _offered(context, incomplete, lambda store, _: _aliases(store))


def alias_names(context: typer.Context, incomplete: str) -> list[str]:
    """Aliases alone: of the registered model that the line names, else of any."""
    name = context.params.get("name")
    return _offered(
        context,
        incomplete,
        lambda store, _: [alias for model, alias in _registered(store) if alias and name in (None, model)],
    )


def files(context: typer.Context, incomplete: str) -> list[str]:
    """Files of the run that the line names, one folder at a time."""

    def paths(store: Store, start: str) -> list[str]:
        from expctl.tracking.runs.references import resolve

        known = [file.path for file in store.artifacts(resolve(store, str(context.params.get("run"))))]
        found = _below(known, start)
        # A sole folder would be ended with a blank: what is in it is offered as well.
        return _below(known, found[0]) if len(found) == 1 and found[0].endswith("/") else found

    return _offered(context, incomplete, paths)


def _below(paths: Iterable[str], start: str) -> list[str]:
    """What begins so, up to the end of the next folder."""
    folder = start.rfind("/") + 1
    ends = ((path, path.find("/", folder) + 1 or len(path)) for path in paths if path.startswith(start))
    return list(dict.fromkeys(path[:end] for path, end in ends))


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """A completion by a few fixed words."""
    known = list(words)

    def offered(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return offered


def parameters(context: typer.Context, incomplete: str) -> list[str]:
    """KEY=VALUE of a parameter of the model that the line names."""
    return _pairs(_parameters_of(context), incomplete)


def axes(context: typer.Context, incomplete: str) -> list[str]:
    """KEY=SPACE of what a sweep may vary: parameters of the model, and some options of the recipe."""
    from expctl.recipe import OPTIONS

    recipe = {key: one.number() for key, one in OPTIONS.items() if one.may_vary and one.domains}
    return _pairs({**_parameters_of(context), **recipe}, incomplete)


def _parameters_of(context: typer.Context) -> dict[str, Parameter]:
    from expctl.training.models.families import families_of, parameters_of

    model = context.params.get("model") or "logreg"
    task, table = context.params.get("task"), dict[str, str]()
    for columns in (None, table):  # of texts; else of tables
        if model in families_of(task, columns):
            return parameters_of(model, task, columns)
    return {}


def _pairs(table: Mapping[str, Parameter], incomplete: str) -> list[str]:
    """Keys with their equals sign; of a single key, or behind its sign, its values too.

    With more than one word to choose from no shell ends the word, as it would behind a sole `c=`.
    """
    key, equals, _ = incomplete.partition("=")
    found = (
        {key: table[key]} if equals and key in table else {k: v for k, v in table.items() if k.startswith(incomplete)}
    )
    if len(found) != 1:
        return [f"{key}=" for key in found]
    ((key, parameter),) = found.items()
    words = [str(one).lower() for domain in parameter.domains for one in getattr(domain, "values", ())]
    words = list(dict.fromkeys([*words, str(parameter.default).lower()]))
    offered = [f"{key}={word}" for word in words]
    return [word for word in [*offered, *([] if equals else [f"{key}="])] if word.startswith(incomplete)]


def data_columns(context: typer.Context, incomplete: str) -> list[str]:
    """Columns of the data file that the line names, or the settings do, if it is a text file of this machine."""
    from expctl.settings import load_settings
    from expctl.training.data.tables import chunks, kind_of

    with suppress(ExpctlError, OSError, ValueError):
        given = context.params
        path = given.get("data") or given.get("input") or load_settings().data
        kind = kind_of(path)
        if kind == "parquet" or not Path(path).is_file():  # pyarrow takes longer than anybody waits for a word
            return []
        with Path(path).open("rb") as stream:
            pieces = chunks(stream, kind, encoding=given.get("encoding") or "utf-8", name=path, rows=1)
            return [name for name in next(pieces, {}) if name.startswith(incomplete) and name.isprintable()]
    return []


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
    """Keys of tags for people, with the equals sign that follows; of a single key the values of the newest runs too."""
    return _offered(context, incomplete, _tag_words)


def _tag_words(store: Store, incomplete: str) -> list[str]:
    from expctl.tracking.readers.protocol import Projection

    typed, equals, _ = incomplete.partition("=")
    keys = [typed] if equals else [key for key in _of_people(store) if key.startswith(incomplete)]
    if len(keys) != 1:
        return [f"{key}=" for key in keys]
    projection = Projection(frozenset(), frozenset(), frozenset(keys), datasets=False)
    values = [run.tags.get(keys[0], "") for run in store.find(limit=_MOST, columns=projection)]
    words = [f"{keys[0]}={value}" for value in values if value and " " not in value]
    return words if equals else [*words, f"{keys[0]}="]


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


def _registered(store: Store) -> Sequence[tuple[str, str | None]]:
    from expctl.tracking.readers.sqlite import SqliteReader

    return store.reader.registered() if isinstance(store.reader, SqliteReader) else ()


def _aliases(store: Store) -> list[str]:
    return [f"{name}@{alias}" for name, alias in _registered(store) if alias]


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
