"""What commands print as JSON against the schemas that they publish: done by the fixture `cli`, for every test."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from expctl.render.schemas import SCHEMAS, schema


def check_document(arguments: tuple[str, ...], out: str) -> None:
    """Fail where a whole document is not as the schema of its command says; `--dry-run` has none."""
    if not arguments or arguments[0] not in SCHEMAS or not out.startswith('{\n  "version": '):
        return
    document = json.loads(out)
    if "--dry-run" not in arguments:
        assert faults(arguments[0], document) == [], arguments


def faults(command: str, document: Any) -> list[str]:
    """What a document has otherwise than the schema of a command."""
    return [one.message for one in _validator(command).iter_errors(document)]


@cache
def _validator(command: str) -> Draft202012Validator:
    return Draft202012Validator(schema(command))
