"""`expctl sweep`: train many models, each recorded as a run, and rank them. Owns its arguments and both streams."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from expctl.cli.inputs import sweep_request
from expctl.cli.options import common, completion, programs, training
from expctl.cli.options.common import Entry, read_format
from expctl.cli.streams import Streams, say, stdout_is_ours
from expctl.errors import ExitCode, TrainingFailed, UsageError
from expctl.metrics import METRICS
from expctl.training.search.samplers import SAMPLERS
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from expctl.records import RunRecord
    from expctl.render.formats import Format
    from expctl.workflows.requests import SweepRequest

_SWEEP: Final = "Sweep"


def _kept(text: str) -> str | int:
    if text == "all":
        return text
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--keep-models {text!r} must be all or an integer from 1", hint="--keep-models 3")
    return int(text)


def _backend(text: str) -> str:
    if text not in ("loky", "dask"):
        raise UsageError(f"no backend {text!r}", hint="--backend loky | dask")
    return text


Grid = Annotated[
    list[str] | None,
    typer.Option(
        "-g",
        "--grid",
        metavar="KEY=SPACE",
        help="What to vary, repeatable: 0.1,1,10 (values), 1..5 (between), 1..9..2 (with a step), log:1e-4..1e2.",
        rich_help_panel=_SWEEP,
        autocompletion=completion.axes,
    ),
]
SamplerName = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        metavar="NAME",
        help=f"{common.any_of(list(SAMPLERS))}.  [default: grid]",
        rich_help_panel=_SWEEP,
        autocompletion=completion.one_of(SAMPLERS),
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="How many trials at most.  [default: 20; grid: all]", rich_help_panel=_SWEEP),
]
Timeout = Annotated[
    int | None,
    typer.Option(
        parser=common.seconds,
        metavar="TIME",
        help="Start no trial after this time: 90s, 30m, 2h.",
        rich_help_panel=_SWEEP,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=1024,
        metavar="N",
        help="Trials at once.  [default: one a core; of a program 1]",
        rich_help_panel=_SWEEP,
    ),
]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        metavar="M",
        help="The metric to rank by; with --cv its mean over the folds.  [default: f1_score; of regression r2]"
        "  NAME=REGEX reads one from the output of a program.",
        rich_help_panel=_SWEEP,
        autocompletion=completion.one_of(key for key, one in METRICS.items() if one.is_quality_metric),
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Resume this sweep: run what is missing, failed or killed.",
        rich_help_panel=_SWEEP,
        autocompletion=completion.runs,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the trials without running them.", rich_help_panel=_SWEEP)
]
KeepModels = Annotated[
    str | None,
    typer.Option(
        parser=_kept,
        metavar="all|N",
        help="Keep the models of the N best trials only.  [default: all]",
        rich_help_panel=_SWEEP,
    ),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failed trial.", rich_help_panel=_SWEEP)]
Backend = Annotated[
    str | None,
    typer.Option(
        parser=_backend,
        metavar="NAME",
        help="Where trials run: loky (here) or dask.  [default: loky]",
        rich_help_panel=_SWEEP,
    ),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786.", rich_help_panel=_SWEEP)
]


@training.with_training_options
def sweep(
    command: programs.SweptCommand = None,
    grid: Grid = None,
    from_run: training.From = None,
    sampler: SamplerName = None,
    trials: Trials = None,
    timeout: Timeout = None,
    jobs: Jobs = None,
    metric: Metric = None,
    resume: Resume = None,
    dry_run: DryRun = False,
    keep_models: KeepModels = None,
    fail_fast: FailFast = False,
    backend: Backend = None,
    scheduler: Scheduler = None,
    artifact: programs.Artifacts = None,
    predictions: programs.Predictions = None,
    prediction: programs.Prediction = None,
    id: programs.Id = None,
    trial_timeout: programs.TrialTimeout = None,
    prune: programs.Prune = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
    **flags: Any,
) -> None:
    """Train a model, or run a program, at every point of a space. Each is a run; they are ranked at the end."""
    if dry_run:
        read_format(format, without=["id"])
    streams = Streams(quiet=quiet)
    if dry_run and resume is not None:
        raise UsageError("--dry-run shows a new sweep, --resume goes on with one", hint="give one of them")
    if from_run is not None and resume is not None:
        raise UsageError("--from begins a new sweep, --resume goes on with one", hint="give one of them")
    environment = dict(os.environ)  # before MLflow and we make ours of it
    of_program = {
        "artifact": artifact, "predictions": predictions, "prediction": prediction, "id": id,
        "trial_timeout": trial_timeout, "prune": prune,
    }  # fmt: skip
    of_model = {"from": from_run, "keep_models": keep_models, "backend": backend, "scheduler": scheduler}
    request = sweep_request(
        {**flags, "experiment": experiment}, tracking_uri, grid=grid, from_run=from_run, note=streams.note,
        command=command or (), of_program=of_program, of_model=of_model, metrics=metric or [],
        sampler=sampler, keep_models=keep_models, trials=trials, timeout_seconds=timeout, jobs=jobs,
        scheduler=_scheduler(backend, scheduler), resume=resume, fail_fast=fail_fast, verbose=verbose,
    )  # fmt: skip
    if dry_run:
        show_trials(streams, request, format)
        return

    from expctl.render.sweeps import remarks, swept_sheet
    from expctl.workflows.run import Context
    from expctl.workflows.sweep import sweep as run_sweep

    context = Context(request.settings, environment, note=streams.note)
    with stdout_is_ours(), told_how_to_go_on(fail_fast=fail_fast) as begun:
        ranked = run_sweep(request, streams, context, begun=begun)
    swept, ranking = ranked.swept, ranked.ranking
    streams.write(swept_sheet(swept.parent, ranking), format, request.settings)
    for line in remarks(swept, ranking.metric):
        streams.note(line)
    if swept.outcome.failed or swept.missing:
        raise typer.Exit(ExitCode.WORK_FAILED)


@contextmanager
def told_how_to_go_on(*, fail_fast: bool) -> Iterator[Callable[[RunRecord], None]]:
    """Where a sweep that has begun ends before its end, tell how to go on with it."""
    begun: list[RunRecord] = []
    try:
        yield begun.append
    except BaseException as error:
        if begun and (fail_fast or not isinstance(error, TrainingFailed)):
            say(f"finished trials are kept; resume: expctl sweep --resume {begun[0].run_id[:8]}")
        raise


def show_trials(streams: Streams, request: SweepRequest, format: Format) -> None:
    """The trials that would be run."""
    from expctl.render.sweeps import trials_sheet
    from expctl.workflows.sweep_preview import preview

    shown = preview(request)
    for reason, count in shown.left_out.items():
        streams.note(f"left out {count:,} of the combinations: {reason}")
    streams.write(trials_sheet(shown.space, shown.trials, total=shown.total), format, request.settings)
    number = len(shown.trials)
    told = f"the first {number:,}; {shown.sampler} adapts to the results" if shown.learns else plural(number, "trial")
    streams.note(told)


def _scheduler(backend: str | None, scheduler: str | None) -> str | None:
    """The address of the Dask scheduler; None for workers of this machine."""
    if backend == "dask" and scheduler is None:
        raise UsageError("--backend dask needs its scheduler", hint="--scheduler tcp://HOST:8786")
    if backend != "dask" and scheduler is not None:
        raise UsageError("--scheduler is for Dask", hint="--backend dask")
    return scheduler


COMMANDS = [Entry("sweep", sweep, topic="sweeps", takes_program=True)]
