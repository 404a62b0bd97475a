"""What a tracking server says, taken for nothing but what MLflow's REST API 2.0 documents: values of the right types.

A server may say anything. Raises WrongAnswer for what is no MLflow's, so that nothing of another type goes any further.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from expctl.records import STATUSES, Dataset, RunRecord
from expctl.tracking.readers.protocol import Experiment, datasets_in, moment, stored_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGEST_INTEGER: Final = 2**63  # of protobuf's


class WrongAnswer(Exception):
    """An answer that MLflow would not give."""


def parsed(content: bytes) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def text(value: Any) -> str:
    """A text; an id may be a number. Raises WrongAnswer."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise WrongAnswer("half a character in a text") from error
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(_integer(value))
    raise WrongAnswer(f"{type(value).__name__} in place of a text")


def _integer(value: Any) -> int:
    """An integer, which JSON of protobuf may give as a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise WrongAnswer(f"{type(value).__name__} in place of an integer")
    try:
        found = int(value)
    except (ValueError, OverflowError) as error:
        raise WrongAnswer("no integer") from error
    if abs(found) >= _LARGEST_INTEGER or found != (float(value) if isinstance(value, float) else found):
        raise WrongAnswer("no integer")
    return found


def _number(value: Any) -> float:
    """A number; NaN and the infinities are texts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise WrongAnswer(f"{type(value).__name__} in place of a number")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise WrongAnswer("no number") from error


def objects(answer: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list; none where there is no list. Raises WrongAnswer."""
    found = answer.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise WrongAnswer(f"{key} is no list of objects")
    return found


def part(answer: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object within an object; an empty one where there is none. Raises WrongAnswer."""
    found = answer.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise WrongAnswer(f"{key} is no object")
    return found


def _text_of(answer: Mapping[str, Any], key: str) -> str:
    """A text that may be missing."""
    found = answer.get(key)
    return "" if found is None else text(found)


def _known(answer: Mapping[str, Any], key: str) -> str:
    """A text that has to be there."""
    found = _text_of(answer, key)
    if not found:
        raise WrongAnswer(f"{key} is missing")
    return found


def page_token(answer: Mapping[str, Any]) -> str:
    """The token of the next page; empty on the last one. Raises WrongAnswer."""
    return _text_of(answer, "next_page_token")


def experiment(one: Mapping[str, Any]) -> Experiment:
    """An experiment of the API. Raises WrongAnswer."""
    deleted = _text_of(one, "lifecycle_stage") == "deleted"
    return Experiment(_known(one, "experiment_id"), _text_of(one, "name"), deleted)


def point(one: Mapping[str, Any]) -> tuple[int, int, float]:
    """Step, time in milliseconds and value of one in a metric's history. Raises WrongAnswer."""
    return _integer(one.get("step") or 0), _integer(one.get("timestamp") or 0), _number(one.get("value") or 0)


def model_ids(run: Mapping[str, Any]) -> list[str]:
    """The ids of the models that a run has made. Raises WrongAnswer."""
    return [_known(one, "model_id") for one in objects(part(run, "outputs"), "model_outputs")]


def model(one: Mapping[str, Any]) -> tuple[str, str, str]:
    """Id, name and place of a logged model. Raises WrongAnswer."""
    info = part(one, "info")
    return _known(info, "model_id"), _known(info, "name"), _known(info, "artifact_uri")


def listed_file(one: Mapping[str, Any]) -> tuple[str, bool, int | None]:
    """Path, whether it is a folder, and size of what a folder has. Raises WrongAnswer."""
    size, folder = one.get("file_size"), one.get("is_dir")
    if not isinstance(folder, bool | None):
        raise WrongAnswer("is_dir is no truth value")
    return _known(one, "path"), bool(folder), None if size is None else _integer(size)


def _pairs(data: Mapping[str, Any], key: str, value: Callable[[Any], Any], missing: Any) -> dict[str, Any]:
    return {
        _known(one, "key"): missing if one.get("value") is None else value(one["value"]) for one in objects(data, key)
    }


def _dataset(one: Mapping[str, Any]) -> Dataset:
    found = part(one, "dataset")
    tags = {_text_of(tag, "key"): _text_of(tag, "value") for tag in objects(one, "tags")}
    return Dataset(_text_of(found, "name"), _text_of(found, "digest"), tags.get("mlflow.data.context"))


def record(run: Mapping[str, Any]) -> RunRecord:
    """A run of the API as a record. Raises WrongAnswer."""
    info, data = part(run, "info"), part(run, "data")
    datasets = [_dataset(one) for one in objects(part(run, "inputs"), "dataset_inputs")]
    tags: dict[str, str] = _pairs(data, "tags", text, "")
    status = _known(info, "status").lower()
    if status not in STATUSES:
        raise WrongAnswer(f"the status {status[:20]!r}")
    return RunRecord(
        run_id=_known(info, "run_id"),
        name=_text_of(info, "run_name"),
        status=status,
        experiment_id=_known(info, "experiment_id"),
        started=moment(_integer(info.get("start_time") or 0)),
        ended=moment(_integer(info.get("end_time") or 0)),
        params=_pairs(data, "params", text, ""),
        metrics=_pairs(data, "metrics", lambda value: stored_number(_number(value)), 0.0),
        tags=tags,
        deleted=_text_of(info, "lifecycle_stage") == "deleted",
        artifact_uri=_text_of(info, "artifact_uri"),
        user_id=_text_of(info, "user_id"),
        datasets=tuple(
            sorted(datasets or datasets_in(tags), key=lambda one: (one.name, one.digest, one.context or ""))
        ),
    )
