"""`expctl train`: train one model and record it. Owns its arguments and both streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from expctl.cli import options
from expctl.cli.options import read_format, read_pairs
from expctl.cli.streams import Streams
from expctl.errors import UsageError, closest
from expctl.settings import load_settings
from expctl.training.configure import NUMBERS, RECIPE_KEYS, TEXTS, configure
from expctl.training.families import FAMILIES

_DATA, _MODEL, _RECORD = "Data", "Model", "Record"

# Keys of a config file besides those of a recipe and the parameters of the model.
_OTHER_KEYS: Final = ("run_name", "note", "data_version", "autolog", "experiment", "tag", "param")
_CONFIG_LIMIT: Final = 1_000_000


def train(
    data: Annotated[str | None, typer.Option(metavar="FILE", help="CSV, TSV, JSONL or Parquet, also .gz, or a URL.  [EXPCTL_DATA, else data/reviews.csv]", rich_help_panel=_DATA)] = None,
    text_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column of the texts.  [default: text]", rich_help_panel=_DATA)] = None,
    label_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column of the labels.  [default: label]", rich_help_panel=_DATA)] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Encoding of CSV, TSV and JSONL.  [default: utf-8]", rich_help_panel=_DATA)] = None,
    test_size: Annotated[str | None, typer.Option(metavar="SHARE", help="Share of the rows to test on.  [default: 0.2]", rich_help_panel=_DATA)] = None,
    test_data: Annotated[str | None, typer.Option(metavar="FILE", help="Test on this file instead.", rich_help_panel=_DATA)] = None,
    split_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column that says train or test.", rich_help_panel=_DATA)] = None,
    stratify: Annotated[bool | None, typer.Option("--stratify/--no-stratify", help="Keep the classes' shares on both sides.  [default: stratify]", rich_help_panel=_DATA)] = None,
    random_state: Annotated[str | None, typer.Option(metavar="N", help="Seed of the split and the model.  [default: 42]", rich_help_panel=_DATA)] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help=f"{', '.join(FAMILIES)}, or package.module:factory.  [default: logreg]", rich_help_panel=_MODEL)] = None,
    c: Annotated[str | None, typer.Option("--c", metavar="C", help="Inverse of the regularization strength.  [default: 1.0]", rich_help_panel=_MODEL)] = None,
    max_features: Annotated[str | None, typer.Option(metavar="N", help="Keep the N most frequent terms, or none: all.  [default: 5000]", rich_help_panel=_MODEL)] = None,
    max_iter: Annotated[str | None, typer.Option(metavar="N", help="Most iterations of the solver.  [default: 1000]", rich_help_panel=_MODEL)] = None,
    param: Annotated[list[str] | None, typer.Option("-p", "--param", metavar="KEY=VALUE", help="Any parameter of the features or the model; again for more. A wrong key lists them all.", rich_help_panel=_MODEL)] = None,
    cv: Annotated[str | None, typer.Option("--cv", metavar="K", help="Cross-validate on the training rows, K folds.", rich_help_panel=_MODEL)] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Take options from a file, keys as the flags; flags win.", rich_help_panel=_MODEL)] = None,
    run_name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the run.  [default: one is made up]", rich_help_panel=_RECORD)] = None,
    tag: Annotated[list[str] | None, typer.Option("-t", "--tag", metavar="KEY=VALUE", help="Tag the run; again for more.", rich_help_panel=_RECORD)] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A description of the run.", rich_help_panel=_RECORD)] = None,
    data_version: Annotated[str | None, typer.Option(metavar="V", help="Version of the data, as your team counts it.", rich_help_panel=_RECORD)] = None,
    autolog: Annotated[bool | None, typer.Option("--autolog", help="Add MLflow's scikit-learn autologging.", rich_help_panel=_RECORD)] = None,
    experiment: options.Experiment = None,
    tracking_uri: options.TrackingUri = None,
    format: options.FormatOption = "table",
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Train a model, test it, and record everything about it as a run."""
    chosen_format = read_format(format, options.ALL_FORMATS)
    streams = Streams(quiet=quiet)
    flags = {
        "data": data, "text_column": text_column, "label_column": label_column, "encoding": encoding,
        "test_size": test_size, "test_data": test_data, "split_column": split_column, "stratify": stratify,
        "random_state": random_state, "model": model, "c": c, "max_features": max_features, "max_iter": max_iter,
        "cv": cv, "run_name": run_name, "note": note, "data_version": data_version, "autolog": autolog,
        "experiment": experiment,
    }  # fmt: skip
    given = {key: value for key, value in flags.items() if value is not None}
    pairs = read_pairs(param or [], "-p")
    for key in pairs:
        if key in (*RECIPE_KEYS, *_OTHER_KEYS):
            raise UsageError(f"-p {key}: {key} is not a parameter of the model", hint=f"--{key.replace('_', '-')}")
        if key in given:
            raise UsageError(f"{key} is given both as --{key.replace('_', '-')} and with -p", hint="give it once")
    from_file = read_config(config) if config is not None else {}
    tags = {**from_file.pop("tag", {}), **read_pairs(tag or [], "-t")}
    merged: dict[str, Any] = {**_without_rival_tests(from_file, given), **given, **pairs}
    said = {key: merged.pop(key, None) for key in _OTHER_KEYS[:-2]}
    settings = load_settings(experiment=said["experiment"], tracking_uri=tracking_uri)
    recipe = configure({"data": settings.data, **merged})

    from expctl.tracking import reachable
    from expctl.tracking.recording import Labels, check_labels, check_recipe, record_training
    from expctl.tracking.store import open_store

    labels = Labels(said["run_name"], tags, said["note"], said["data_version"])
    check_labels(labels)
    check_recipe(recipe)
    reachable.check(settings.tracking_uri, create=True)

    from expctl.training.core import check_text
    from expctl.training.dataset import load_split
    from expctl.training.families import is_factory
    from expctl.training.pipeline import build_pipeline

    with streams.stages() as stage:
        stage("reading " + recipe.data)
        split = load_split(recipe, all_columns=is_factory(recipe.model))
        pipeline = build_pipeline(recipe)
        check_text(pipeline, split)
        stage("opening the store")
        store = open_store(settings, create=True, verbose=verbose)
        run, result = record_training(
            store, recipe, split, pipeline, labels, autolog=bool(said["autolog"]), progress=stage
        )

    from expctl.render.views import trained_sheet

    for line in [*split.notes, *result.warnings]:
        streams.note(f"warning: {line}")
    streams.write(trained_sheet(run), chosen_format, settings)
    streams.note(f"next: expctl show {run.run_id[:8]}, or expctl compare {run.run_id[:8]} RUN")


def read_config(path: Path) -> dict[str, Any]:
    """The options of a TOML file: keys as the flags with underscores, parameters of the model beside them or in [param].

    Raises UsageError, with the line, for what is no TOML, an unknown key or a value of the wrong type.
    """
    import tomllib

    try:
        if path.stat().st_size > _CONFIG_LIMIT:
            raise UsageError(f"{path} is larger than {_CONFIG_LIMIT:,} bytes", hint="a config file holds a few options")
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="--config FILE.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    content.update(_table(content.pop("param", {}), "param", path, text))
    content["tag"] = {key: str(value) for key, value in _table(content.get("tag", {}), "tag", path, text).items()}
    for key, value in content.items():
        where = f"{path}{_line(text, key)}"
        if key == "tag":
            continue
        if isinstance(value, (dict, list)):
            raise UsageError(f"{where}: {key} is a {type(value).__name__}, not a value", hint="tables are [tag] and [param]")
        if key in ("run_name", "note", "data_version", "experiment", *TEXTS) and not isinstance(value, str):
            raise UsageError(f"{where}: {key} must be text in quotes, not {value!r}")
        if key == "autolog" and not isinstance(value, bool):
            raise UsageError(f"{where}: autolog must be true or false, not {value!r}")
    _check_config(content, path, text)
    return content


def _table(value: Any, key: str, path: Path, text: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}{_line(text, key)}: {key} must be a table", hint=f"[{key}] on a line of its own")
    return value


def _line(text: str, key: str) -> str:
    """`, line 3` for the line that sets a key."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("=")[0].strip().strip("\"'") in (key, f"[{key}]"):
            return f", line {number}"
    return ""


def _check_config(content: dict[str, Any], path: Path, text: str) -> None:
    """Raise the UsageError that a key or value would cause later with its line, which only the file knows."""
    from expctl.training.configure import defaults

    model = content.get("model", "logreg")
    parameters = defaults(model) if ":" not in model else None
    known = (*RECIPE_KEYS, *_OTHER_KEYS, *(parameters or ()))
    for key, value in content.items():
        where = f"{path}{_line(text, key)}"
        if parameters is not None and key not in known:
            raise UsageError(f"{where}: unknown key {key!r}{closest(key, known)}", hint=f"it takes {', '.join(known)}")
        if key in NUMBERS:
            try:
                NUMBERS[key].read(value)
            except UsageError as error:
                raise UsageError(f"{where}: {error.message}", hint=error.hint) from error


def _without_rival_tests(from_file: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """A config file without its way of making a test set where a flag gives another one."""
    ways = ("test_size", "test_data", "split_column")
    if any(way in flags for way in ways):
        return {key: value for key, value in from_file.items() if key not in ways}
    return from_file


