"""JSON Schemas (draft 2020-12) of what commands print with `--format json`, by the name of the command.

Written beside the sheets, by hand: what is fixed has no further properties, so that a field which is forgotten here
fails a test. What runs are free to hold (parameters, tags, names of metrics) is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from expctl.analysis.difference import Verdict
from expctl.analysis.flips import FlipKind
from expctl.analysis.gate import Outcome
from expctl.analysis.reproduction import Verdict as Reproduced
from expctl.errors import UsageError, closest
from expctl.records import STATUSES
from expctl.render.formats import JSON_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_ID: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_NUMBER: Final[Schema] = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_MAYBE: Final[Schema] = {"anyOf": [*_NUMBER["anyOf"], {"type": "null"}]}
_CELL: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
_PERHAPS_TEXT: Final[Schema] = {"type": ["string", "null"]}
_LABEL: Final[Schema] = {"type": ["string", "number"], "description": "a class, or a number of a regression"}
_TEST: Final[Mapping[str, Schema]] = {
    "change": _MAYBE,
    "low": _MAYBE,
    "high": _MAYBE,
    "p_value": _MAYBE,
    "verdict": {"enum": [*get_args(Verdict), None]},
}


def schema(command: str) -> Schema:
    """The schema of what a command prints. Raises UsageError, naming the others, for a command that has none."""
    if command not in SCHEMAS:
        raise UsageError(f"no schema of {command!r}{closest(command, SCHEMAS)}", hint=f"--schema {', '.join(SCHEMAS)}")
    made = SCHEMAS[command]()
    return {"$schema": _DIALECT, "title": f"expctl {command} --format json", **made}


def _document(
    kind: str, properties: Mapping[str, Schema], required: Sequence[str] = (), *, more: Schema | None = None,
    named: Mapping[str, Schema] | None = None,
) -> Schema:  # fmt: skip
    """A document; `named` are properties by patterns of their names, `more` what any other has to be."""
    fixed: Mapping[str, Schema] = {"version": {"const": JSON_VERSION}, "kind": {"const": kind}}
    return _object({**fixed, **properties}, [*fixed, *required], more=more, named=named)


def _object(
    properties: Mapping[str, Schema], required: Sequence[str] = (), *, more: Schema | None = None,
    named: Mapping[str, Schema] | None = None,
) -> Schema:  # fmt: skip
    return {
        "type": "object",
        "properties": dict(properties),
        **({"patternProperties": dict(named)} if named else {}),
        "required": list(required),
        "additionalProperties": False if more is None else more,
    }


def _by_name(value: Schema) -> Schema:
    """An object whose keys runs, files or data name."""
    return {"type": "object", "additionalProperties": value}


def _rows(row: Schema) -> Schema:
    return {"type": "array", "items": row}


def _whole_rows(properties: Mapping[str, Schema], *, more: Schema | None = None) -> Schema:
    """Rows that have all of these properties, null where there is nothing."""
    return _rows(_object(properties, list(properties), more=more))


def _sliced(facts: Mapping[str, Schema], row: Mapping[str, Schema], *, more: Schema | None = None) -> Schema:
    """What --by shows instead."""
    rows = _whole_rows({"slice": _TEXT, "rows": _COUNT, **row, "note": _PERHAPS_TEXT}, more=more)
    return _document("slices", {**facts, "by": _TEXT, "rows": rows}, [*facts, "by", "rows"])


_MEASURED: Final = _by_name(
    _object({"value": _NUMBER, **dict.fromkeys(("low", "high", "cv_mean", "cv_std"), _MAYBE)}, ["value"])
)


def _show() -> Schema:
    run = {
        "run_id": _ID,
        "name": _TEXT,
        "status": {"enum": list(STATUSES)},
        "stage": _TEXT,
        "experiment": _TEXT,
        "started": _TIME,
        "duration": {"type": "number", "minimum": 0, "description": "seconds"},
        "reason": _TEXT,
        "reproduces": _ID,
        "verdict": _TEXT,
        "note": _TEXT,
        "artifact_uri": _TEXT,
        "command": _TEXT,
    }
    shown = _document(
        "run",
        {
            "run": _object(run, ["run_id", "status"]),
            "metrics": _MEASURED,
            "set": _by_name(_NUMBER),
            "parameters": _by_name(_CELL),
            "data": _by_name(_CELL),
            "tags": _by_name(_TEXT),
            "environment": _by_name(_TEXT),
            "warnings": _by_name(_TEXT),
            "artifacts": _by_name({"type": ["integer", "null"], "description": "bytes; of a folder null"}),
        },
        ["run"],
    )
    sliced = _sliced({"run": _TEXT, "run_id": _ID}, {}, more=_MAYBE)
    return {"oneOf": [shown, {"description": "--by"} | sliced]}


def _ran() -> Schema:
    return _document("trained", {"run": _TEXT, "run_id": _ID, "metrics": _MEASURED}, ["run", "run_id"])


def _trained() -> Schema:
    row = {"metric": _TEXT, **dict.fromkeys(("mean", "sd", "least", "largest"), _MAYBE)}
    facts: dict[str, Schema] = {"set": _TEXT, "set_id": _ID, "runs": _COUNT}
    repeated = _document("set", {**facts, "rows": _whole_rows(row)}, [*facts, "rows"])
    return {"oneOf": [_ran(), {"description": "--repeats"} | repeated]}


def _compare() -> Schema:
    numbered = {f"^{key}(_[0-9]+)?$": value for key, value in {"challenger": _CELL, **_TEST}.items()}
    line = _by_name(_object({"baseline": _CELL}, ["baseline"], named=numbered))
    sections = ("run", "parameters", "metrics", "code", "tags", "packages", "F1 by class")
    head: dict[str, Schema] = {"baseline": _ID, "same_test_set": {"type": ["boolean", "null"]}}
    one = _object({"run_id": _ID, "experiment": _TEXT, "name": _TEXT, **_TEST}, ["name", "run_id"], more=_CELL)
    named = _by_name(_object(
        {"run_id": _ID, "experiment": _TEXT, "value": _MAYBE, **_TEST}, ["run_id"], named={r"^params\.": _CELL}
    ))  # fmt: skip
    return {
        "oneOf": [
            {"description": "two or three runs, or --metric all"}
            | _document(
                "comparison", {**head, **dict.fromkeys(sections, line)}, list(head),
                named={"^challenger(_[0-9]+)?$": _ID},
            ),
            {"description": "four runs or more, by one metric: a row a run, with its parameters as params.KEY"}
            | _document("comparison", {**head, "rows": _rows(one)}, [*head, "rows"]),
            {"description": "four runs or more, --per-class: of each measure an object a run, by its name",
             "not": {"anyOf": [{"required": ["rows"]}, {"required": ["challenger"]}, {"required": ["challenger_1"]}]}}
            | _document("comparison", head, list(head), more=named),
            {"description": "two sets of runs"} | _compared_sets(),
            {"description": "--flips"} | _flips(),
            {"description": "--by"} | _sliced(
                {"baseline": _ID, "challenger": _ID, "metric": _TEXT},
                {"baseline": _MAYBE, "challenger": _MAYBE, **_TEST},
            ),
            {"description": "--code: lines of patches by their numbers"} | _code(),
        ]
    }  # fmt: skip


def _compared_sets() -> Schema:
    of_side = {"mean": _MAYBE, "sd": _MAYBE, "runs": _COUNT}
    sides = {f"{side}_{key}": value for side in ("baseline", "challenger") for key, value in of_side.items()}
    facts = {"baseline": _TEXT, "challenger": _TEXT}
    rows = _whole_rows({"metric": _TEXT, **sides, **_TEST})
    return _document("groups", {**facts, "rows": rows}, [*facts, "rows"])


def _flips() -> Schema:
    row: dict[str, Schema] = {
        "kind": {"enum": list(get_args(FlipKind))},
        "row": _COUNT,
        **dict.fromkeys(("label", "baseline", "challenger"), _LABEL),
        "text": _PERHAPS_TEXT,
    }
    classes, measured = (
        (dict.fromkeys(counts, _COUNT), {**row, last: _MAYBE})
        for counts, last in (
            (("fixed", "broken", "both_wrong", "both_right"), "confidence"),
            (("smaller_error", "larger_error", "same_error"), "change"),
        )
    )
    return {
        "oneOf": [_document("flips", {**counts, "rows": _whole_rows(row)}, [*counts, "rows"])
                  for counts, row in (classes, measured)]
    }  # fmt: skip


def _code() -> Schema:
    lines = dict.fromkeys(("diff", "uncommitted in baseline", "uncommitted in challenger"), _by_name(_TEXT))
    commits = _by_name(_object({"text": _TEXT, "run": _TEXT}, ["run"]))
    return _document(
        "code", {"baseline": _ID, "challenger": _ID, "commits": commits, **lines}, ["baseline", "challenger"]
    )


def _gate() -> Schema:
    measured: dict[str, Schema] = {"baseline": _MAYBE, "candidate": _MAYBE, **_TEST}
    row = {"baseline": _LABEL, "candidate": _LABEL, "label": _LABEL, "text": _PERHAPS_TEXT}
    broken = _by_name(_object(row, ["baseline", "candidate", "label"]))
    head = {
        "gate": {"enum": list(get_args(Outcome))},
        **dict.fromkeys(("reason", "candidate", "baseline", "metric"), _TEXT),
    }
    return _document(
        "gate",
        {
            **head,
            "metrics": _by_name(_object(measured, ["baseline", "candidate"])),
            "slices": _by_name(_object({**measured, "rows": _COUNT, "note": _PERHAPS_TEXT}, ["baseline", "rows"])),
            "broken": broken,
            "larger error": broken,
        },
        list(head),
    )


def _best() -> Schema:
    row: dict[str, Schema] = {
        "rank": {"type": "integer", "minimum": 1},
        "tied": {"type": ["boolean", "null"]},
        "experiment": _TEXT,
        "run_id": _ID,
        "name": _TEXT,
        "started": {"anyOf": [_TIME, {"type": "null"}]},
    }
    facts = {"selected": _NUMBER, "corrected": _NUMBER, "trials": _COUNT}
    rows = _rows(_object(row, ["rank", "run_id", "name"], more=_CELL))
    return _document("ranking", {**facts, "rows": rows}, ["rows"])


def _list() -> Schema:
    rows = _rows(_object({"run_id": _ID, "status": {"enum": [*STATUSES, None]}}, more=_CELL))
    return _document("runs", {"total": _COUNT, "rows": rows}, ["rows"])


def _reproduce() -> Schema:
    both = {"recorded": _CELL, "now": _CELL}
    facts = {
        "verdict": {"enum": list(get_args(Reproduced))},
        "run": _TEXT,
        "run_id": _ID,
        "reproduced_as": _ID,
        **dict.fromkeys(("test_rows", "same_rows", "changed_predictions"), _COUNT),
        "largest_score_change": _NUMBER,
        **dict.fromkeys(("metrics_compared", "metrics_changed", "metrics_beyond_tolerance"), _COUNT),
        "tolerance": {"type": "number", "minimum": 0},
        "fitted_model": {"enum": ["not compared", "equal", "differs"]},
    }
    sections = ("metrics", "predictions", "model", "parameters", "data", "environment", "code")
    line = _by_name(_object(both, list(both)))
    required = ["verdict", "run_id", "metrics_compared", "metrics_changed", "fitted_model"]
    return _document("reproduction", {**facts, **dict.fromkeys(sections, line)}, required)


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "show": _show,
    "compare": _compare,
    "gate": _gate,
    "best": _best,
    "list": _list,
    "train": _trained,
    "run": _ran,
    "reproduce": _reproduce,
}
