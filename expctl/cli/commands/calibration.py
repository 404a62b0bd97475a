"""`expctl calibration`: can a model's probabilities be taken at their word? Owns its arguments and both streams."""

from __future__ import annotations

from typing import Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.settings import load_settings


def calibration(
    run: common.Run,
    no_record: Annotated[bool, typer.Option("--no-record", help="Do not add the picture to the run.")] = False,
    confidence: common.Confidence = 0.95,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Tell how well a run's probabilities fit its test rows. The reliability diagram goes to the run."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    streams = Streams(quiet=quiet)

    from expctl.render.calibration import calibration_sheet, told
    from expctl.tracking.runs.references import resolve
    from expctl.workflows.calibration import PICTURE, calibration_of

    store = opened(settings, streams, verbose=verbose)
    found = resolve(store, run)
    measured = calibration_of(store, found, confidence=confidence, record=not no_record)
    streams.write(calibration_sheet(found, measured), format, settings)
    streams.note(told(measured))
    if not no_record:
        streams.note(f"picture: expctl get {found.run_id[:8]} {PICTURE} > {PICTURE}")


COMMANDS = [Entry("calibration", calibration, topic="calibration")]
