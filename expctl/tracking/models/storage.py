"""Models read back from a store, only if nothing in them is untrusted; how they get there: `writing.py`.

The list of trusted types is ours, never the model file's own.
"""

from __future__ import annotations

import hashlib
import re
import sys
import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, ExpctlError, RunNotFound, StoreError
from expctl.recipe import Recipe
from expctl.records import RunRecord, Tag
from expctl.temporary import temporary_folder
from expctl.tracking.errors import store_errors
from expctl.tracking.models.safety import AGAIN, check_arrays, check_size
from expctl.tracking.models.writing import MLMODEL_LIMIT
from expctl.tracking.places import is_folder
from expctl.tracking.runs.artifacts import fetch_folder, lost, server_of
from expctl.tracking.runs.locations import located
from expctl.tracking.uris import local_folder
from expctl.training.fit.skops_file import UntrustedTypes, loaded, trusted_types, untrusted_types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from expctl.tracking.readers.rest import RestReader
    from expctl.tracking.store import Store

# What to do with a model that is not at home here.
ISOLATED: Final = "--isolated predicts with the packages it was made with"


@dataclass(frozen=True)
class LoadedModel:
    """A model of a run, ready to predict. `inputs` are the columns it reads with their MLflow types.

    `is_ours`: expctl trained it, on a table; of another program's it is not known what that gave to `fit`.
    `recipe` is that of a model which expctl trained on columns of several kinds: by it cells are read as in training.
    """

    estimator: Any
    inputs: dict[str, str]
    trained_with: str | None
    is_ours: bool = True
    recipe: Recipe | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether another scikit-learn made it than the one that is here."""
        return self.trained_with not in (None, version("scikit-learn"))

    @property
    def reads_texts_alone(self) -> bool:
        """Whether it reads its one column of texts as a Series: a vectorizer of scikit-learn takes texts, no table, of
        which it would read the names of the columns. What was fitted on a table has `feature_names_in_`.
        """
        return (
            not self.is_ours
            and list(self.inputs.values()) == ["string"]
            and not hasattr(self.estimator, "feature_names_in_")
        )


def load_model(
    store: Store, run: RunRecord, *, trust: bool = False, warn: Callable[[str], None] = lambda text: None
) -> LoadedModel:
    """Load the model of a run.

    The bytes must be those the run recorded, and unless `trust`, the file must be skops with nothing but scikit-learn's
    types and ours in it. `warn` is told, before anything is loaded, if another scikit-learn made it. Raises
    RunNotFound if the run has no complete model, DataError if the file is damaged, not trusted or, made by another
    scikit-learn, cannot be loaded by this one.
    """
    with temporary_folder() as folder:
        return _load_from(_fetch(store, run, folder), run, trust=trust, warn=warn)


def _fetch(store: Store, run: RunRecord, folder: Path) -> Path:
    if Tag.HOST in run.tags and Tag.COMPLETE not in run.tags:  # one of ours that was cut short, its upload perhaps too
        raise _without_model(run)
    place = model_place(store, run)[1]
    target = folder / "model"
    target.mkdir()
    local = local_folder(located(store, place))
    try:
        if local is None or is_folder(local):
            server = server_of(store, place)
            with store_errors(store.settings):
                if server is None or not _fetch_needed(server, place, target):
                    fetch_folder(store, place, target)
    except ExpctlError as error:
        if Tag.MODEL_DIGEST in run.tags:
            told = f"cannot fetch the model of run {run.described}: {error.message}"
            raise StoreError(told, hint=error.hint) from error
    if not any(target.iterdir()):
        if Tag.MODEL_DIGEST not in run.tags:
            raise _without_model(run)
        _check_there(store, run)
    return target  # that lacks what it should have is known as damaged


def model_place(store: Store, run: RunRecord) -> tuple[str, str]:
    """Name and address of the model of a run: the one that is called `model`, else the only one it has logged.

    Raises RunNotFound where it has logged several under other names.
    """
    places = {name: place for name, place in store.reader.folders(run) if name}
    names = ["model"] if "model" in places else sorted(places)
    if len(names) > 1:
        told = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise RunNotFound(
            f"run {run.described} has {len(names)} models ({told}), none of which is called model",
            hint='the one that counts is logged with name="model"',
        )
    # Without a logged model, before MLflow 3, it is one of the run's folders.
    return next(((name, places[name]) for name in names), ("model", f"{run.artifact_uri.rstrip('/')}/model"))


def _fetch_needed(server: RestReader, uri: str, target: Path) -> bool:
    """Fetch the two files of a model in skops' format that are read; False, with nothing fetched, for any other."""
    import yaml

    described = server.file(uri, "MLmodel")
    if described is None or len(described) > MLMODEL_LIMIT:
        return False
    try:
        flavor = yaml.safe_load(described)["flavors"]["sklearn"]
        name = flavor["pickled_model"] if flavor["serialization_format"] == "skops" else ""
        plain = re.fullmatch(r"\w[\w.-]*", name) is not None and name != "MLmodel"
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return False
    content = server.file(uri, name) if plain else None
    if content is None:
        return False
    (target / "MLmodel").write_bytes(described)
    (target / name).write_bytes(content)
    return True


def _check_there(store: Store, run: RunRecord) -> None:
    """Raise StoreError where not only the model of a run is missing, but all of its files are."""
    folder = local_folder(store.places.now(run.artifact_uri))
    if folder is not None and not is_folder(folder):
        raise lost(store, run, folder)


def _without_model(run: RunRecord) -> RunNotFound:
    if Tag.BEST_RUN in run.tags:
        return RunNotFound(
            f"run {run.label} is a sweep, which has no model of its own",
            hint=f"its best run is {run.tags[Tag.BEST_RUN][:8]}",
        )
    state = "" if run.status == "finished" else f": it is {run.status}"
    return RunNotFound(f"run {run.described} has no model{state}", hint=f"expctl show {run.run_id[:8]}")


def check_model(store: Store, run: RunRecord) -> None:
    """See that a run is complete and its model the recorded one, without loading it. A program's may be of any flavor.

    Raises RunNotFound for a run that is not complete or has no model, DataError for a model that is damaged.
    """
    what = f"run {run.described}"
    if run.deleted:
        raise RunNotFound(f"{what} has been deleted", hint=f"expctl restore {run.run_id}")
    with temporary_folder() as folder:
        fetched = _fetch(store, run, folder)
        if Tag.MODEL_DIGEST in run.tags or "sklearn" in _described(fetched, run)["flavors"]:
            _read(fetched, run)
    if run.status != "finished":
        raise RunNotFound(f"{what} is {run.status}, not finished", hint=f"expctl show {run.run_id[:8]}")


def _where(run: RunRecord) -> str:
    return f"model of run {run.described}"


def _read(folder: Path, run: RunRecord) -> tuple[dict[str, Any], bytes]:
    """The scikit-learn flavor of an MLmodel, with the `inputs` that it names, and the content of the model's file,
    which is the recorded one.
    """
    where, described = _where(run), _described(folder, run)
    if "sklearn" not in described["flavors"] and Tag.MODEL_DIGEST not in run.tags:
        flavors = [str(one) for one in described["flavors"]]
        own = next((one for one in flavors if one != "python_function"), flavors[0])
        raise DataError(
            f"the {where} is not of scikit-learn but of MLflow's flavor {own}",
            hint="mlflow models predict, or mlflow.pyfunc.load_model",
        )
    try:
        flavor = dict(described["flavors"]["sklearn"])
        file = (folder / flavor["pickled_model"]).resolve()
        flavor["inputs"] = _inputs(described)
    except Exception as error:  # an MLmodel can be garbage in as many ways as YAML and JSON
        raise _unreadable(where) from error
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise DataError(f"the {where} is damaged: {flavor['pickled_model']} is not in it", hint=AGAIN)
    content = file.read_bytes()
    recorded = run.tags.get(Tag.MODEL_DIGEST)
    if recorded is not None and hashlib.sha256(content).hexdigest() != recorded:
        raise DataError(f"the {where} is damaged: {file.name} has changed since it was recorded", hint=AGAIN)
    return flavor, content


def _described(folder: Path, run: RunRecord) -> dict[str, Any]:
    """The MLmodel of a model, whose `flavors` are some. Raises DataError for one that is missing or not readable."""
    import yaml

    try:
        described = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
        if not dict(described["flavors"]):
            raise ValueError("no flavors")
    except Exception as error:  # as of `_read`
        raise _unreadable(_where(run)) from error
    return dict(described)


def _unreadable(where: str) -> DataError:
    return DataError(f"the {where} is damaged: MLmodel is missing or not readable", hint=AGAIN)


def _load_from(folder: Path, run: RunRecord, *, trust: bool, warn: Callable[[str], None]) -> LoadedModel:
    where = _where(run)
    flavor, content = _read(folder, run)
    inputs, recipe = flavor["inputs"], _table_recipe(run, flavor["inputs"])
    model = LoadedModel(None, inputs, flavor.get("sklearn_version"), Tag.RECIPE in run.tags, recipe)
    broken, hint = "is damaged", AGAIN
    if model.is_foreign:
        warn(
            f"trained with scikit-learn {model.trained_with}, predicting with {version('scikit-learn')}:"
            " the answers may differ (--isolated takes the packages of the run)"
        )
        broken = f"was made with scikit-learn {model.trained_with}, and {version('scikit-learn')} cannot load it"
        hint = ISOLATED
    skops_file = flavor.get("serialization_format") == "skops"
    if not skops_file and not trust:
        raise DataError(f"the {where} is a pickle, which can run any code", hint="--trust loads it anyway")
    try:
        estimator = _load_skops(content, where, trust=trust) if skops_file else _load_pickle(folder)
    except DataError as error:
        error.hint = f"{error.hint}; {ISOLATED}" if model.is_foreign else error.hint
        raise
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise DataError(
            f"the {where} needs the package {missing}, which is not installed here", hint=f"pip install {missing}"
        ) from error
    except Exception as error:  # a damaged zip, JSON or array: what loads it raises whatever its parts raise
        raise DataError(f"the {where} {broken}: {type(error).__name__}: {error}", hint=hint) from error
    return replace(model, estimator=estimator)


def _table_recipe(run: RunRecord, inputs: Collection[str]) -> Recipe | None:
    """The recipe of a run that was trained on columns; None of any other, and of one that does not fit the model."""
    from expctl.training.data.kinds import features_of

    try:
        recipe = Recipe.from_json(run.recipe_json or "")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    read = None if recipe.columns is None else features_of(recipe).inputs(recipe)
    return recipe if read is not None and sorted(read) == sorted(inputs) else None


def _load_pickle(folder: Path) -> Any:
    import mlflow.sklearn

    return mlflow.sklearn.load_model(str(folder))


def _load_skops(content: bytes, where: str, *, trust: bool) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning

    check_size(content, where)
    if trust and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # where `train` found the user's own classes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # we tell of it ourselves, once
            estimator = loaded(content, untrusted_types(content) if trust else trusted_types())
    except UntrustedTypes as error:
        raise DataError(
            f"the {where} holds types that are not trusted: {error}", hint="--trust loads it anyway"
        ) from error
    check_arrays(estimator, where)
    return estimator


def _inputs(described: dict[str, Any]) -> dict[str, str]:
    """The columns of a model's signature, as MLflow writes it, with their types; none where it names none."""
    import json

    columns = json.loads((described.get("signature") or {}).get("inputs") or "[]")
    if not all("name" in column for column in columns):
        return {}
    return {str(column["name"]): _type_name(column) for column in columns}


def _type_name(column: dict[str, Any]) -> str:
    return str(column["tensor-spec"]["dtype"] if column["type"] == "tensor" else column["type"])
