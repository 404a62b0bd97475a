"""What a person says of a run besides its recipe, and the tags that every run gets. Knows the limits of stores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.errors import DataError, UsageError, mask_secrets
from expctl.records import RECORDED, TAG_LIMIT, Tag, tag_parts
from expctl.tracking.names import RUN_LIMIT, check_run_name, is_run_name
from expctl.tracking.runs import lifecycle, provenance
from expctl.tracking.runs.dvc import dvc_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from expctl.recipe import Recipe
    from expctl.records import RunRecord

# MLflow cuts longer parameters with no more than a warning; expctl refuses them instead.
PARAM_LIMIT: Final = 6000

# What a run has at the top of its files: a file of the user's own must not take such a name.
OWN_FILES: Final = frozenset({
    "requirements.txt", "source.patch", "factory.py", "data_rows.parquet", "predictions.parquet", "resamples.parquet",
    "sample_predictions.csv", "classification_report.txt", "per_class.json", "confusion_matrix.png",
    "learning_curve.png", "reliability.png", "trials.csv", "parallel_coordinates.png", "scatter.png", "model",
    "output.log",
})  # fmt: skip

_AUTOLOG: Final = ("estimator_name", "estimator_class")  # tags of mlflow.sklearn.autolog


@dataclass(frozen=True)
class RunMetadata:
    """What a person says of a run besides its recipe."""

    name: str | None = None
    tags: Mapping[str, str] | None = None
    note: str | None = None
    data_version: str | None = None


def with_data_version(labels: RunMetadata, data: str) -> RunMetadata:
    """The labels with the data's version by DVC, where nobody says another."""
    return labels if labels.data_version else replace(labels, data_version=dvc_version(data))


def labels_of(run: RunRecord) -> RunMetadata:
    """What was said of a recorded run, without the tags that expctl and MLflow's autolog gave it."""
    ours = (*RECORDED, Tag.DEVELOPER, Tag.DATA_VERSION, *_AUTOLOG)
    tags = {key: value for key, value in run.user_tags.items() if key not in ours}
    return RunMetadata(run.name, tags, run.tags.get(Tag.NOTE), run.tags.get(Tag.DATA_VERSION))


def label_words(labels: RunMetadata) -> list[str]:
    """The words of a command line of `train` or `sweep` that say it again, but for a name that no new run may have."""
    name = labels.name if labels.name is not None and is_run_name(labels.name) else None
    said = {"--run-name": name, "--note": labels.note, "--data-version": labels.data_version}
    words = [word for option, text in said.items() if text for word in (option, text)]
    return words + [word for key, value in (labels.tags or {}).items() for word in ("-t", f"{key}={value}")]


def numbered(name: str, number: int) -> str:
    """The name of a run that is one of several with a name, which is cut if it has to be."""
    end = f"-{number}"
    return name[: RUN_LIMIT - len(end)] + end


def check_encodable(what: str, text: str) -> None:
    """Raise UsageError for what no store can hold, bytes in another encoding than the terminal's, or not all: NUL."""
    if "\0" in text:
        raise UsageError(f"{what} holds a NUL character", hint="leave it out: databases refuse it")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8: {text!r}", hint="is the terminal's encoding another one?") from error


def check_key(what: str, key: str) -> None:
    """Raise UsageError for the key of a tag, parameter or metric that a store would refuse."""
    if not key or len(key) > 250 or not all(char.isalnum() or char in "_-. /:" for char in key):
        raise UsageError(f"{what} {key!r}: a key has letters, digits, _ - . / : and blanks, at most 250")
    if any(part in ("", ".", "..") for part in key.split("/")):  # which MLflow refuses: it may become a file
        raise UsageError(f"{what} {key!r}: a key is no path", hint="leave out . and .. and what is / too much")


def check_file_name(what: str, name: str) -> None:
    """Raise UsageError for the name of a file that no archive of the run could hold."""
    check_encodable(what, name)
    if not name.isprintable():
        raise UsageError(f"{what} {name!r}: a name with a line end or a control character", hint="rename the file")


def check_labels(labels: RunMetadata) -> None:
    """Raise UsageError for names, tags and notes that MLflow would cut or refuse, before any run is made."""
    for what, text, limit in (
        ("--note", labels.note, TAG_LIMIT),
        ("--data-version", labels.data_version, PARAM_LIMIT),
    ):
        check_encodable(what, text or "")
        if text is not None and len(text) > limit:
            raise UsageError(f"{what} has {len(text):,} characters, the limit is {limit:,}")
    if labels.name is not None:
        check_encodable("the run's name", labels.name)
        check_run_name(labels.name)
    for key, value in (labels.tags or {}).items():
        check_encodable(f"tag {key!r}", key + value)
        if key.startswith(("mlflow.", "expctl.")):
            raise UsageError(f"tag {key!r}: mlflow. and expctl. are reserved", hint="choose another first word")
        if key in RECORDED:
            raise UsageError(f"tag {key!r} is recorded from the environment", hint="choose another key")
        check_key("tag", key)
        if len(value) > TAG_LIMIT:
            raise UsageError(f"tag {key} has {len(value):,} characters, the limit is {TAG_LIMIT:,}")


def check_artifacts(files: Sequence[Path]) -> None:
    """Raise DataError for a file to be recorded that is not there, UsageError for one whose name a run has already."""
    names = [path.name for path in files]
    for path in files:
        if not path.is_file():
            told = "is not a file" if path.exists() else "does not exist"
            raise DataError(f"--artifact {path} {told}", hint="name a file")
        check_file_name("--artifact", path.name)
        ours = path.name in OWN_FILES or path.name.startswith("extra_metric.")
        if ours or names.count(path.name) > 1:
            other = "expctl records a file" if ours else "another --artifact is"
            raise UsageError(f"--artifact {path}: {other} of that name", hint="rename it")


def recipe_tags(recipe: Recipe) -> dict[str, str]:
    """The tags that hold a recipe: by them a run is trained again, or known to have been trained."""
    return tag_parts(Tag.RECIPE, mask_secrets(recipe.to_json()))


def check_recipe(recipe: Recipe) -> None:
    """Raise UsageError for a recipe that the store could not hold whole."""
    for key, value in recipe.logged().items():
        check_encodable(key, str(value))
        if len(str(value)) > PARAM_LIMIT:
            raise UsageError(f"{key} has {len(str(value)):,} characters, the limit is {PARAM_LIMIT:,}")
    try:
        recipe_tags(recipe)
    except ValueError as error:
        raise UsageError(f"the recipe has {error}", hint="--features takes fewer columns") from error


def run_tags(
    labels: RunMetadata, command: str, code: provenance.Code | None, *, developer: str, computes: bool = True
) -> dict[str, str]:
    """The tags that a run is created with, besides its recipe. `developer` is the setting, "" for none.

    Without `computes` it is another program that makes the run.
    """
    tags = {
        **provenance.machine_tags(computes=computes),
        **lifecycle.process_tags(),
        **(code.tags() if code else {}),
        Tag.DEVELOPER: provenance.developer(developer),
        **(labels.tags or {}),
        "mlflow.user": provenance.login_name(),
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
    }
    if code:
        tags["mlflow.source.git.commit"] = code.commit
    if labels.note:
        tags[Tag.NOTE] = labels.note
    if labels.data_version:
        tags[Tag.DATA_VERSION] = labels.data_version
    return tags
