"""`expctl train`: train one model and record it. Owns its arguments and both streams."""

from __future__ import annotations

from typing import Any

from expctl.cli.inputs import training_request
from expctl.cli.options import common, training
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, stdout_is_ours, tell_page


@training.with_training_options
def train(
    autolog: training.Autolog = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
    **flags: Any,
) -> None:
    """Train a model, test it, record everything about it as a run."""
    streams = Streams(quiet=quiet)
    request = training_request({**flags, "autolog": autolog, "experiment": experiment}, tracking_uri, verbose=verbose)

    from expctl.data_issues import messages
    from expctl.render.views import trained_sheet
    from expctl.workflows.train import train as train_model

    with stdout_is_ours(), streams.stages() as stage:
        trained = train_model(request, stage, streams.note)
    run, result = trained.run, trained.result
    for line in [*messages(result.data_issues), *result.warnings, *([run.needs_trust] if run.needs_trust else [])]:
        streams.note(f"warning: {line}")
    streams.write(trained_sheet(run), format, request.settings)
    tell_page(trained.store, streams, run.experiment_id, run.run_id)
    streams.note(f"next: expctl show {run.run_id[:8]}, or expctl compare {run.run_id[:8]} RUN")


COMMANDS = [Entry("train", train, topic="training")]
