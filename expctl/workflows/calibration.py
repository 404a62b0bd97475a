"""`calibration`: how well the probabilities of a recorded run fit its test rows; its picture goes to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.analysis.calibration import NO_PROBABILITIES, calibration
from expctl.errors import RunNotFound
from expctl.tracking.runs.items import File
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.writer import RunWriter
from expctl.workflows.repeats import refuse_set

if TYPE_CHECKING:
    from expctl.analysis.calibration import Calibration
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

PICTURE = "reliability.png"


def calibration_of(store: Store, run: RunRecord, *, confidence: float = 0.95, record: bool = True) -> Calibration:
    """The calibration of a run, and unless not to `record` its picture with the run, over an earlier one.

    Raises RunNotFound, with the reason, for a run that has none, DataError for predictions that are damaged.
    """
    predictions = read_predictions(store, run)
    found = "it has no predictions" if predictions is None else calibration(predictions, confidence=confidence)
    if isinstance(found, str):
        refuse_set(store, run)
        hint = "expctl train --calibrate sigmoid gives them" if found == NO_PROBABILITIES else None
        raise RunNotFound(f"run {run.described} has no calibration: {found}", hint=hint)
    if record:
        from expctl.figures.plots import reliability

        store.prepare_writing(run.artifact_uri)
        store.check_own(run.artifact_uri)
        bins = [(one.confidence, one.right, one.low, one.high) for one in found.bins]
        RunWriter(store, store.get(run.run_id)).write([File(PICTURE, reliability(bins))])
    return found
