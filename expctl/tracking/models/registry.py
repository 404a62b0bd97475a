"""The model registry: what is registered under a name, and its aliases. Knows MLflow's rules for both."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.errors import ExpctlError, RunNotFound, StoreError, UsageError, closest
from expctl.filters.expression import attribute
from expctl.records import Tag
from expctl.tracking.errors import lacks_endpoint, reason, store_errors
from expctl.tracking.lacks import Lack
from expctl.tracking.models.storage import model_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mlflow import MlflowClient

    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_VERSIONS_TAG: Final = "mlflow.modelVersions"
_LIMIT: Final = 250  # characters: MLflow's tables hold 256 of a name, and 255 of an alias


@dataclass(frozen=True)
class Version:
    """A version of a registered model. Without a run: it was registered from elsewhere."""

    number: int
    run_id: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Registered:
    """What is registered under a name: versions by number, the newest first, and the version of each alias.

    `exists` is false of a name that nothing has been registered under, not even without versions.
    """

    name: str
    versions: Mapping[int, Version]
    aliases: Mapping[str, int]
    exists: bool = True

    def aliases_of(self, number: int) -> list[str]:
        """The aliases that point at a version."""
        return sorted(alias for alias, at in self.aliases.items() if at == number)

    def version_of(self, alias: str) -> int:
        """The version that an alias points at. Raises RunNotFound, with the closest one, for an alias that is not."""
        if alias not in self.aliases:
            raise RunNotFound(
                f"model {self.name!r} has no alias {alias!r}{closest(alias, self.aliases)}",
                hint=f"expctl promote --list {shlex.quote(self.name)}",
            )
        return self.aliases[alias]


def check_name(name: str) -> None:
    """Raise UsageError for a name that MLflow refuses, or that `NAME@ALIAS` and `models:/NAME/1` could not mean."""
    wrong = not name.strip() or not name.isprintable() or re.search(r"^[.-]|[/:@?]", name)
    if wrong or len(name) > _LIMIT:
        raise UsageError(
            f"{name[:60]!r} is not a valid model name: no / : @ ? or control characters, no . or - first,"
            f" at most {_LIMIT}",
            hint="for example reviews",
        )


def check_alias(alias: str) -> None:
    """Raise UsageError for an alias that MLflow refuses."""
    reserved = alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias)
    if reserved or len(alias) > _LIMIT or not re.fullmatch(r"\w[\w-]*", alias):
        raise UsageError(
            f"{alias[:60]!r} is not a valid alias: letters, digits, _ and - only; latest and v1 are MLflow's own",
            hint="for example champion",
        )


def read(store: Store, name: str) -> Registered:
    """What is registered under a name, nothing where there is no such model. Raises UsageError if it is a prompt's."""
    client = store.client
    from mlflow.exceptions import MlflowException

    with store_errors(store.settings):
        try:
            model = compat.registry_client(client).get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return Registered(name, {}, {}, exists=False)
        if compat.is_prompt(model):
            raise UsageError(f"{name!r} is one of MLflow's prompts, not a model", hint="another name")
    versions = _versions(store, name)
    aliases = _tagged_aliases(versions) | {alias: int(number) for alias, number in model.aliases.items()}
    return Registered(name, {one.number: one for one in versions}, aliases)


def _versions(store: Store, name: str) -> list[Version]:
    """The versions of a registered model, the newest first."""
    with store_errors(store.settings):
        found = [one for one in _found(store.client, _named(name)) if one.name == name]
    versions = [Version(int(one.version), one.run_id or None, dict(one.tags)) for one in found]
    return sorted(versions, key=lambda one: -one.number)


def _found(client: MlflowClient, filter: str) -> list[Any]:
    """The versions, of any model, that a filter of MLflow's lets through. Raises what MLflow raises."""
    found: list[Any] = []
    token = None
    while token != "":
        page = client.search_model_versions(filter or None, page_token=token)
        found += page
        token = page.token or ""
    return found


def _tagged_aliases(versions: Iterable[Version]) -> dict[str, int]:
    """The aliases that stand in tags, of a server that has none: each has the time when it was set, the last counts."""
    marks = [(at, one.number, key) for one in versions for key, at in one.tags.items() if key.startswith(Tag.ALIAS)]
    return {key.removeprefix(Tag.ALIAS): number for _, number, key in sorted(marks)}


def _named(name: str) -> str:
    """MLflow's filter for a name; for one with both kinds of quotes, which it cannot say, that for all."""
    quote = next((mark for mark in "'\"" if mark not in name), None)
    return "" if quote is None else f"name = {quote}{name}{quote}"


def run_ids(store: Store) -> frozenset[str]:
    """The runs that made some version of some registered model; none on a server without a registry."""
    client = store.client
    from mlflow.exceptions import MlflowException

    with store_errors(store.settings):
        try:
            found = _found(client, "")
        except MlflowException as error:
            if not lacks_endpoint(error):
                raise
            return frozenset()
    return frozenset(one.run_id for one in found if one.run_id)


def known(store: Store, name: str) -> Registered:
    """What is registered under a name. Raises RunNotFound, with the closest name, where nothing is."""
    found = read(store, name)
    if not found.versions:
        with store_errors(store.settings):
            names = [one.name for one in store.client.search_registered_models()]
        others = [one for one in names if one != name]
        raise RunNotFound(f"no model {name!r} is registered{closest(name, others)}", hint="expctl promote RUN NAME")
    return found


def runs_of(store: Store, model: Registered) -> dict[str, RunRecord]:
    """The runs that made the versions of a model, deleted ones too, by id."""
    ids = tuple(one.run_id for one in model.versions.values() if one.run_id is not None)
    if not ids:
        return {}
    made = attribute("run_id", "in", ids)
    found = [run for deleted in (False, True) for run in store.find(also=made, deleted=deleted, everywhere=True)]
    return {run.run_id: run for run in found}


def run_of(store: Store, model: Registered, number: int | None) -> RunRecord | None:
    """The run that made a version; None if none did, or there is no such version."""
    version = model.versions.get(number) if number is not None else None
    return None if version is None or version.run_id is None else store.get(version.run_id)


def remove_alias(store: Store, name: str, alias: str) -> int:
    """Take an alias away; gives the version it pointed at. Raises RunNotFound if there is no such alias."""
    model = known(store, name)
    number = model.version_of(alias)
    tagged = [one.number for one in model.versions.values() if Tag.ALIAS + alias in one.tags]
    with store_errors(store.settings):
        client = compat.registry_client(store.client)
        for one in sorted(tagged, key=lambda one: one == number):  # else an older one would come back where this ends
            client.delete_model_version_tag(name, str(one), Tag.ALIAS + alias)
        if not tagged:
            client.delete_registered_model_alias(name, alias)
    return number


def register(store: Store, run: RunRecord, model: Registered, tags: Mapping[str, str]) -> int:
    """The version that the model of a run becomes. Of two that were made of it at the same time the first stays.

    What `mlflow.register_model("runs:/ID/model", NAME)` does, in half the requests: what it asks for is known here.
    """
    name = model.name
    store.prepare_writing(run.artifact_uri)  # the version gets the address of the model
    client = store.client
    from mlflow.exceptions import MlflowException

    with store_errors(store.settings):
        try:
            if not model.exists:
                _create_registered_model(client, name)
            logged = _logged_model(store, run)
            own = f"models:/{logged.model_id}" if logged is not None else _among_files(client, run)
            model_id = None if logged is None else logged.model_id
            made = int(client.create_model_version(name, own, run.run_id, dict(tags), model_id=model_id).version)
        except MlflowException as error:
            if error.error_code == "INVALID_PARAMETER_VALUE":
                raise UsageError(f"cannot register {name!r}: {reason(error)}", hint="another name") from error
            raise
        if logged is not None:
            _link(client, logged, name, made)
    first = min(_versions_of(store, name, run))
    if first < made:
        with store_errors(store.settings):
            compat.registry_client(client).delete_model_version(name, str(made))
            _set_tags(store, name, first, tags)
    return first


def _create_registered_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # somebody has made it in the meantime
            raise


def _logged_model(store: Store, run: RunRecord) -> Any:
    """The logged model of a run; None where it is among the run's files, as MLflow 2 had it."""
    from mlflow.exceptions import MlflowException

    name = "model" if Tag.MODEL_DIGEST in run.tags else model_place(store, run)[0]  # of ours without a request
    made_by_run = f"name = '{name}' AND source_run_id = '{run.run_id}'"
    try:
        found = store.client.search_logged_models([run.experiment_id], filter_string=made_by_run)
    except MlflowException as error:
        if not lacks_endpoint(error):
            raise
        store.lacks.add(Lack.MODELS)
        return None
    if len(found) < 2:
        return next(iter(found), None)
    outputs = store.client.get_run(run.run_id).outputs
    steps = {one.model_id: one.step for one in outputs.model_outputs} if outputs is not None else {}
    return max(found, key=lambda one: steps.get(one.model_id, -1))


def _among_files(client: MlflowClient, run: RunRecord) -> str:
    return f"{client.get_run(run.run_id).info.artifact_uri.rstrip('/')}/model"


def _link(client: MlflowClient, logged: Any, name: str, number: int) -> None:
    """Have a logged model say that it is a version, as MLflow's pages show it; its tag is a list of all."""
    from mlflow.exceptions import MlflowException

    try:
        others = json.loads(logged.tags.get(_VERSIONS_TAG, "[]"))
    except (ValueError, RecursionError):
        others = []
    versions = [*(others if isinstance(others, list) else []), {"name": name, "version": number}]
    try:
        compat.tracking_client(client).set_logged_model_tags(logged.model_id, {_VERSIONS_TAG: json.dumps(versions)})
    except MlflowException as error:
        if not lacks_endpoint(error):  # then only the link is lacking
            raise


def _versions_of(store: Store, name: str, run: RunRecord) -> list[int]:
    return [one.number for one in _versions(store, name) if one.run_id == run.run_id]


def point_alias(store: Store, name: str, alias: str, number: int | None, tags: Mapping[str, str]) -> None:
    """Move an alias to a version, which gets `tags`.

    Raises StoreError with what is there, and the command that ends it, if it cannot.
    """
    try:
        with store_errors(store.settings):
            _set_tags(store, name, number, tags)
            _set_alias(store, name, alias, str(number))
    except ExpctlError as error:
        raise StoreError(
            f"version {number} of {name!r} is registered, but {alias} could not be set: {error.message}",
            hint=shlex.join(move_command(name, number, alias)),
        ) from error


def tag_version(store: Store, name: str, number: int, key: str, value: str) -> None:
    """Set a tag of a version."""
    with store_errors(store.settings):
        _set_tags(store, name, number, {key: value})


def _set_tags(store: Store, name: str, number: int | None, tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        compat.registry_client(store.client).set_model_version_tag(name, str(number), key, value)


def _set_alias(store: Store, name: str, alias: str, number: str) -> None:
    """Set an alias, or where the server has none (MLflow before 2.3), a tag of the version that stands for it."""
    from mlflow.exceptions import MlflowException

    try:
        compat.registry_client(store.client).set_registered_model_alias(name, alias, number)
    except MlflowException as error:
        if not lacks_endpoint(error):
            raise
        store.lacks.add(Lack.ALIASES)
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        _set_tags(store, name, int(number), {Tag.ALIAS + alias: at})


def move_command(name: str, number: int | None, alias: str) -> list[str]:
    """The words of the command that points an alias at a version."""
    return ["expctl", "promote", f"models:/{name}/{number}", name, "--alias", alias]
