"""What of a recorded run nobody changes any more: its recipe, what it met, what was measured, and the files of that.

By this, whoever adds to a run or edits it is refused before anything is written. Runs of other programs hold no
evidence of ours: of them only what a store itself refuses is refused, a parameter with another value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from expctl.data_issues import DATA_ISSUES
from expctl.errors import UsageError
from expctl.metrics import METRICS
from expctl.recipe import OPTIONS, RENAMED
from expctl.records import Tag
from expctl.training.models.families import all_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import HistoryPoint, Reader

# Tags that a training takes from its flags, and that say of its run by whom it was made and on what.
TAGS: Final = frozenset({Tag.DEVELOPER, Tag.DATA_VERSION})

_DERIVED: Final = ("{}", "{}_low", "{}_high", "cv_{}", "cv_{}_mean", "cv_{}_std")
_METRICS: Final = frozenset(form.format(key) for key in METRICS for form in _DERIVED)
_PARAMS: Final = frozenset(
    {
        *OPTIONS,
        *RENAMED,
        *all_parameters(),
        *DATA_ISSUES,
        *(
            "columns",
            "model_hash",
            "stop_words_hash",
            "data_path",
            "data_hash",
            "data_fingerprint",
            "data_version",
            "test_data_hash",
        ),
        *("dataset_size", "train_rows", "test_rows"),
    }
)
_FILES: Final = frozenset(
    {
        *("model", "predictions.parquet", "data_rows.parquet", "sample_predictions.csv", "confusion_matrix.png"),
        *("classification_report.txt", "per_class.json", "requirements.txt", "source.patch", "factory.py"),
    }
)


def is_ours(run: RunRecord) -> bool:
    """Whether expctl recorded a run, here or in the store that it was imported from."""
    return any(key.startswith("expctl.") for key in run.tags)


def check_metric(reader: Reader, run: RunRecord, key: str, value: float) -> None:
    """Raise UsageError for a value that is not finite, and for a metric that is evidence.

    Evidence is what expctl measures itself, and whatever else the run had when it ended.
    """
    if not math.isfinite(value):
        raise UsageError(f"--metric {key}={value} must be finite")
    if not is_ours(run):
        return
    of_a_sweep = Tag.SWEEP in run.tags and key.startswith(("best_", "trials_"))
    if key in _METRICS or of_a_sweep or (key in run.metrics and _is_of_the_run(reader.history(run.run_id, key), run)):
        raise _refusal(run, f"metric {key}")


def _is_of_the_run(history: list[HistoryPoint], run: RunRecord) -> bool:
    """Whether some value of a metric was recorded while the run lasted."""
    return run.ended is None or any(point.moment is None or point.moment <= run.ended for point in history)


def check_param(run: RunRecord, key: str, value: str) -> None:
    """Raise UsageError for a parameter that the run has with another value, or that is one of a recipe."""
    if run.params.get(key) == value:
        return
    if key in run.params or (is_ours(run) and key in _PARAMS):
        raise _refusal(run, f"parameter {key}")


def check_file(run: RunRecord, name: str, present: Mapping[str, object]) -> None:
    """Raise UsageError for the name of a file or folder that the run has, or that expctl itself gives."""
    if is_ours(run) and name in _FILES:
        raise _refusal(run, f"file {name}")
    if name in present:
        raise UsageError(
            f"run {run.described} has a file {name} already", hint="another name: files are never replaced"
        )


def _refusal(run: RunRecord, what: str) -> UsageError:
    return UsageError(
        f"{what} of run {run.described} is recorded evidence, which nobody changes", hint="choose another name"
    )
