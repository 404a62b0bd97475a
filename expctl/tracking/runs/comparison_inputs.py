"""What a comparison reads of a run's files: its packages, its figures per class."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from expctl.analysis.comparison import Evidence
from expctl.tracking.errors import damaged
from expctl.tracking.runs.provenance import read_requirements

if TYPE_CHECKING:
    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def read_evidence(store: Store, run: RunRecord, *, per_class: bool) -> Evidence:
    """The packages of a run and, if wanted, its figures per class. Raises DataError for a file that is damaged."""
    requirements = store.read_artifact(run, "requirements.txt")
    figures = store.read_artifact(run, "per_class.json") if per_class else None
    try:
        measured = _measured(figures) if figures is not None else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged(run, "per_class.json") from error
    return Evidence(
        packages=read_requirements(requirements) if requirements is not None else None,
        per_class=measured,
    )


def _measured(content: bytes) -> dict[str, dict[str, float]]:
    """The figures of per_class.json; anything in it but an object of objects of numbers raises."""
    return {
        name: {key: float(value) for key, value in {"f1_score": figures["f1_score"], **figures}.items()}
        for name, figures in json.loads(content).items()
    }
