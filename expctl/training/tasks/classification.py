"""Classification: labels are classes. Brings together what `protocol.Task` asks for; the work is in the modules beside.

`class_labels.py` reads and divides classes, `class_metrics.py` measures predictions of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from expctl.training.tasks.class_labels import check_labels, check_sides, fold_splitter, read_labels, strata
from expctl.training.tasks.class_metrics import evaluate, predict, score_metrics

if TYPE_CHECKING:
    import numpy as np

    from expctl.training.tasks.protocol import Predictions

__all__ = [
    "MODEL_TYPE",
    "check_labels",
    "check_sides",
    "evaluate",
    "fold_splitter",
    "predict",
    "prediction_metadata",
    "read_labels",
    "schema",
    "score_metrics",
    "strata",
]

MODEL_TYPE: Final = "classifier"


def schema(labels: np.ndarray) -> dict[str, object]:
    """The classes, if they are not too many to be read."""
    return {"classes": sorted({str(label) for label in labels})[:100]}


def prediction_metadata(predictions: Predictions) -> dict[str, str]:
    """The classes in the order of the scores, and what the scores are."""
    return {
        "expctl.classes": json.dumps([str(label) for label in predictions.classes], ensure_ascii=False),
        "expctl.scores": predictions.score_kind,
    }


if TYPE_CHECKING:  # mypy holds this module to what a task has to say
    from expctl.training.tasks import classification, protocol

    _: protocol.Task = classification
