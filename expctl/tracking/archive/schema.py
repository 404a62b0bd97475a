"""A run as an archive holds it, besides its files: values to JSON and back. Believes nothing that it reads.

Runs are known by the ids under which they were first recorded, however many stores they have been in since.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from expctl.encoding import exact
from expctl.records import Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_LINE: Final = 2**16  # bytes of a line of metrics.jsonl
_INTEGER: Final = 2**63
ENDED: Final = ("FINISHED", "FAILED", "KILLED")
# Tags that say how a run came into a store, and stay there.
OF_THE_STORE: Final = (Tag.KEY, Tag.IMPORTED, Tag.IMPORTED_ID, Tag.IMPORTED_FROM, Tag.IMPORTED_TRIAL)


@dataclass(frozen=True, slots=True)
class ArchivedData:
    """A data set that a run was given, with the tags of its being given."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class ArchivedModel:
    """A logged model of a run, but for its files."""

    name: str
    model_type: str | None
    status: str
    step: int
    tags: dict[str, str]
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A run but for its metrics and files. Times are milliseconds since 1970; `store` is the kind it is from."""

    run_id: str
    name: str
    experiment: str
    store: str
    status: str
    started: int | None
    ended: int | None
    params: dict[str, str]
    tags: dict[str, str]
    datasets: Sequence[ArchivedData]
    models: Sequence[ArchivedModel]

    def to_json(self) -> bytes:
        """As `run.json`."""
        return json.dumps(asdict(self), indent=1).encode()


@dataclass(frozen=True, slots=True)
class ArchivedPoint:
    """One value of a metric. `links`: which of the run's models it was measured of, and on which data set."""

    key: str
    value: float
    step: int
    timestamp: int
    links: Sequence[tuple[int, str | None, str | None]] = ()

    def to_json(self) -> bytes:
        """As a line of `metrics.jsonl`."""
        return json.dumps([self.key, exact(self.value), self.step, self.timestamp, self.links]).encode() + b"\n"


def run_in(content: bytes) -> ArchivedRun:
    """The run of a `run.json`. Raises ValueError for anything else."""
    try:
        found = _checked(json.loads(content), _RUN)
        datasets = [ArchivedData(**_checked(one, _DATA)) for one in found.pop("datasets")]
        models = [ArchivedModel(**_checked(one, _MODEL)) for one in found.pop("models")]
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return ArchivedRun(**found, datasets=datasets, models=models)


def points_in(blocks: Iterable[bytes], models: int) -> Iterator[ArchivedPoint]:
    """The points of a `metrics.jsonl`, read as it comes. Raises ValueError for anything else."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > _LINE:
            raise ValueError("a line without an end")
        yield from (_point(line, models) for line in lines)
    if rest:
        raise ValueError("the last line has no end")


def _point(line: bytes, models: int) -> ArchivedPoint:
    try:
        key, value, step, timestamp, links = json.loads(line)
        links = [(int(model), name, digest) for model, name, digest in links]
        number = float(value)
    except (TypeError, RecursionError, OverflowError) as error:
        raise ValueError("no point of a metric") from error
    known = all(
        0 <= model < models and _is_text_or_none(name) and _is_text_or_none(digest) for model, name, digest in links
    )
    spelled = isinstance(value, (int, float)) or value in ("NaN", "Infinity", "-Infinity")
    if not (_is_text(key) and spelled and _is_integer(step) and _is_integer(timestamp) and known):
        raise ValueError("no point of a metric")
    return ArchivedPoint(key, number, step, timestamp, links)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    value.encode()  # a lone surrogate is no text: raises UnicodeEncodeError, which is a ValueError
    return True


def _is_text_or_none(value: Any) -> bool:
    return value is None or _is_text(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(key) and _is_text(one) for key, one in value.items())


def _are_tags(value: Any) -> bool:
    return _are_texts(value) and value.get(Tag.TRIAL, "0").isdecimal() and not value.keys() & set(OF_THE_STORE)


def _is_integer(value: Any) -> bool:
    return type(value) is int and -_INTEGER <= value < _INTEGER


def _is_time(value: Any) -> bool:
    return value is None or (_is_integer(value) and value >= 0)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_RUN: Final[Mapping[str, Callable[[Any], bool]]] = {
    "run_id": _is_text,
    "name": _is_text,
    "experiment": lambda value: _is_text(value) and value.strip() != "",
    "store": _is_text,
    "status": lambda value: value in ENDED,
    "started": _is_time,
    "ended": _is_time,
    "params": _are_texts,
    "tags": _are_tags,
    "datasets": _is_list,
    "models": _is_list,
}
_DATA: Final[Mapping[str, Callable[[Any], bool]]] = {
    "name": _is_text,
    "digest": _is_text,
    "source_type": _is_text,
    "source": _is_text,
    "schema": _is_text_or_none,
    "profile": _is_text_or_none,
    "tags": _are_texts,
}
_MODEL: Final[Mapping[str, Callable[[Any], bool]]] = {
    "name": _is_text,
    "model_type": _is_text_or_none,
    "status": lambda value: value in ("READY", "PENDING", "FAILED"),
    "step": _is_integer,
    "tags": _are_texts,
    "params": _are_texts,
}


def _checked(value: Any, kinds: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    """An object with exactly these keys, whose values are of these kinds. Raises ValueError for any other."""
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise ValueError(f"not an object of {', '.join(kinds)}")
    for key, is_kind in kinds.items():
        if not is_kind(value[key]):
            raise ValueError(f"{key} is {value[key]!r}"[:100])
    return value
