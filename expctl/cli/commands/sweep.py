"""`expctl sweep`: train many models, each recorded as a run, and rank them. Owns its arguments and both streams."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from expctl.cli.inputs import put_together
from expctl.cli.options import common, training
from expctl.cli.options.common import read_format, read_pairs
from expctl.cli.streams import Streams, say, stdout_is_ours
from expctl.errors import DataError, ExitCode, TrainingFailed, UsageError, closest
from expctl.metrics import METRICS
from expctl.settings import load_settings
from expctl.training.search.space import read_space
from expctl.wording import plural

if TYPE_CHECKING:
    from expctl.cli.inputs import TrainingRequest
    from expctl.records import RunRecord
    from expctl.render.formats import Format
    from expctl.settings import Settings
    from expctl.training.search.space import SearchSpace
    from expctl.workflows.sweep_plan import Plan

_SWEEP: Final = "Sweep"
_TESTED: Final = 10  # runs that are tested against the best one
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Grid = Annotated[
    list[str] | None,
    typer.Option(
        "-g",
        "--grid",
        metavar="KEY=SPACE",
        help="What to vary, again for more: 0.1,1,10 (values), 1..5 (between), 1..9..2 (with a step), log:1e-4..1e2.",
        rich_help_panel=_SWEEP,
    ),
]
SamplerName = Annotated[
    str | None,
    typer.Option(
        "--sampler", metavar="NAME", help="grid, random, tpe, qmc or gp.  [default: grid]", rich_help_panel=_SWEEP
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="How many trials at most.  [default: 20; grid: all]", rich_help_panel=_SWEEP),
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Begin no trial after this time: 90s, 30m, 2h.", rich_help_panel=_SWEEP),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=1024,
        metavar="N",
        help="Trials at once.  [default: one a core]",
        rich_help_panel=_SWEEP,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="What decides; with --cv its mean over the folds.  [default: f1_score]",
        rich_help_panel=_SWEEP,
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN", help="Go on with this sweep: run what is missing, failed or killed.", rich_help_panel=_SWEEP
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the trials and touch nothing.", rich_help_panel=_SWEEP)]
KeepModels = Annotated[
    str | None,
    typer.Option(
        metavar="all|N", help="Keep the models of the N best trials only.  [default: all]", rich_help_panel=_SWEEP
    ),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="End when the first trial fails.", rich_help_panel=_SWEEP)]
Backend = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Where trials run: loky (here) or dask.  [default: loky]", rich_help_panel=_SWEEP
    ),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786.", rich_help_panel=_SWEEP)
]


def sweep(
    grid: Grid = None,
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
    data: training.Data = None,
    text_column: training.TextColumn = None,
    label_column: training.LabelColumn = None,
    encoding: training.Encoding = None,
    test_size: training.TestSize = None,
    test_data: training.TestData = None,
    split_column: training.SplitColumn = None,
    stratify: training.Stratify = None,
    dedupe: training.Dedupe = None,
    strict: training.Strict = None,
    random_state: training.RandomState = None,
    model: training.Model = None,
    c: training.C = None,
    max_features: training.MaxFeatures = None,
    max_iter: training.MaxIter = None,
    param: training.Param = None,
    cv: training.Cv = None,
    config: training.Config = None,
    run_name: training.RunName = None,
    tag: training.Tag = None,
    note: training.Note = None,
    data_version: training.DataVersion = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a model for every point of a search space. Each is a run; they are ranked at the end."""
    chosen_format = read_format(format, common.ALL_FORMATS[:-1] if dry_run else common.ALL_FORMATS)
    streams = Streams(quiet=quiet)
    flags = {
        "data": data, "text_column": text_column, "label_column": label_column, "encoding": encoding,
        "test_size": test_size, "test_data": test_data, "split_column": split_column, "stratify": stratify,
        "dedupe": dedupe, "random_state": random_state, "model": model, "c": c, "max_features": max_features,
        "max_iter": max_iter, "cv": cv, "run_name": run_name, "note": note, "data_version": data_version,
        "strict": strict, "experiment": experiment,
    }  # fmt: skip
    asked = put_together(flags, param, tag, config)
    settings = load_settings(experiment=asked.said["experiment"], tracking_uri=tracking_uri)
    strictly = bool(asked.said["strict"])
    seconds = None if timeout is None else _seconds(timeout)
    address = _scheduler(backend, scheduler)
    texts = {key.replace("-", "_"): text for key, text in read_pairs(grid or [], "-g").items()}
    wish: dict[str, Any] = {
        **({} if sampler is None else {"sampler": sampler}),
        **({} if metric is None else {"metric": metric}),
        **({} if keep_models is None else {"keep_models": _kept(keep_models)}),
    }
    if dry_run:
        if resume is not None:
            raise UsageError("--dry-run shows a new sweep, --resume goes on with one", hint="give one of them")
        space = read_space(texts, {"data": settings.data, **asked.recipe})
        _show(streams, settings, chosen_format, space, wish, trials)
        return

    from expctl.tracking import uris
    from expctl.tracking.runs import provenance
    from expctl.tracking.runs.metadata import RunMetadata, check_labels, check_recipe, labels_of, with_data_version
    from expctl.tracking.runs.references import resolve
    from expctl.tracking.store import open_store
    from expctl.training.search.samplers import DEFAULT_TRIALS
    from expctl.workflows.sweep import claim
    from expctl.workflows.sweep_plan import Plan, check_same

    resumed, plan = None, None
    if resume is not None:
        store = open_store(settings, verbose=verbose)
        resumed = resolve(store, resume)
        plan = Plan.of(resumed)
        check_same(plan, texts, asked.recipe, wish)
        _check_resumable(plan, asked, trials)
        claim(store, resumed)
        texts, given, labels = dict(plan.space), dict(plan.given), labels_of(resumed)
        wish = {"sampler": plan.sampler, "metric": plan.metric, "keep_models": plan.keep_models}
        trials = trials or plan.trials
    else:
        given = {"data": settings.data, **asked.recipe}
        trials = trials if trials is not None or sampler in (None, "grid") else DEFAULT_TRIALS
        labels = RunMetadata(asked.said["run_name"], asked.tags, asked.said["note"], asked.said["data_version"])
        check_labels(labels)
        uris.check(settings.tracking_uri, create=True)
    space = _checked(read_space(texts, given), wish)

    from expctl.training.search.workers import workers

    begun: list[RunRecord] = []
    with stdout_is_ours(), workers(jobs, address, most=_total(space, wish, trials)) as pool:
        from expctl.workflows.sweep_trials import WARM, TrialContext

        pool.warm(WARM)

        from expctl.data_issues import messages
        from expctl.training.data.checks import raise_if_strict
        from expctl.training.search.shared_data import prepare, representatives
        from expctl.workflows.sweep import sweep as run_sweep

        with streams.stages() as stage:
            check_recipe(representatives(space)[0][0])
            prepared = prepare(space, stage, data=asked.recipe.get("data"))
            if strictly:
                raise_if_strict(prepared.data_issues)
            code = provenance.read_code()
            packages = provenance.requirements(provenance.packages())
            if resumed is None:
                labels = with_data_version(labels, given["data"])
                stage("opening the store")
                store = open_store(settings, create=True, verbose=verbose)
        for line in messages(prepared.data_issues):
            streams.note(f"warning: {line}")
        hashes = prepared.hashes
        if plan is not None and hashes != (plan.data_hash, plan.test_data_hash):
            raise DataError(
                f"{given['data']} has changed: its sha256 was {plan.data_hash[:12]} and is {hashes[0][:12]}",
                hint="bring the old file back, or begin a new sweep",
            )
        window = pool.jobs if plan is None else plan.window
        plan = Plan(
            texts, given, wish.get("sampler", "grid"), trials, wish.get("metric", "f1_score"), window,
            wish.get("keep_models"), *hashes,
        )  # fmt: skip
        shared = TrialContext(
            prepared, packages, code.patch if code else None, labels.data_version, plan.objective, strictly
        )
        try:
            with streams.trials(plan.objective) as report:
                swept = run_sweep(
                    store, plan, space, shared, pool, labels, code,
                    resumed=resumed, timeout=seconds, fail_fast=fail_fast, report=report, begun=begun.append,
                )  # fmt: skip
                store.refresh_planner_stats()
        except BaseException as error:
            if begun and (fail_fast or not isinstance(error, TrainingFailed)):
                say(f"what is finished is kept; to go on: expctl sweep --resume {begun[0].run_id[:8]}")
            raise

    from expctl.analysis.ranking import Ranking, may_tie
    from expctl.render.sweeps import remarks, swept_sheet
    from expctl.workflows.rank import with_ties

    ranking = Ranking(plan.objective, swept.ranked)
    ranking = with_ties(store, ranking, may_tie(ranking, _TESTED))
    streams.write(swept_sheet(swept.parent, ranking), chosen_format, settings)
    for line in remarks(swept, plan.objective):
        streams.note(line)
    if swept.outcome.failed:
        raise typer.Exit(ExitCode.WORK_FAILED)


def _checked(space: SearchSpace, wish: dict[str, Any]) -> SearchSpace:
    """The space, if the wished sampler can search it."""
    from expctl.training.search.samplers import check_sampler

    name = wish.get("sampler", "grid")
    check_sampler(name)
    metric = wish.get("metric", "f1_score")
    if metric not in METRICS or not METRICS[metric].is_quality_metric:
        known = [key for key, one in METRICS.items() if one.is_quality_metric]
        raise UsageError(
            f"a sweep cannot decide by {metric!r}{closest(metric, known)}", hint=f"--metric {', '.join(known)}"
        )
    if name == "grid":
        space.grid()
    return space


def _total(space: SearchSpace, wish: dict[str, Any], trials: int | None) -> int | None:
    """How many trials there will be at most: more workers than these would be idle."""
    from expctl.training.search.samplers import Proposals

    name = wish.get("sampler", "grid")
    return Proposals(space, name, trials=trials, seed=space.seed, higher_is_better=True).total


def _check_resumable(plan: Plan, asked: TrainingRequest, trials: int | None) -> None:
    """Raise UsageError for what can be said of a new sweep only."""
    said = [key for key in ("run_name", "note", "data_version") if asked.said[key] is not None]
    said += ["tag"] if asked.tags else []
    if said:
        raise UsageError(
            f"--{said[0].replace('_', '-')} is for a new sweep", hint="--resume RUN goes on with an old one"
        )
    if trials is not None and (plan.trials is None or trials < plan.trials):
        had = "all of its grid as" if plan.trials is None else f"{plan.trials:,}"
        raise UsageError(f"the sweep has {had} trials: --trials can only add to them", hint="--resume RUN alone")


def _show(
    streams: Streams, settings: Settings, format: Format, space: SearchSpace, wish: dict[str, Any], trials: int | None
) -> None:
    """The trials that would be run."""
    from itertools import islice

    from expctl.render.sweeps import trials_sheet
    from expctl.training.search.samplers import SAMPLERS, STARTUP, Proposals

    name = wish.get("sampler", "grid")
    proposals = Proposals(_checked(space, wish), name, trials=trials, seed=space.seed, higher_is_better=True)
    learns = SAMPLERS[name].learns
    found = list(islice(iter(proposals.ask, None), STARTUP if learns else None))
    for reason, count in proposals.left_out.items():
        if not found:
            raise UsageError(reason)
        streams.note(f"left out {count:,} of the combinations: {reason}")
    streams.write(trials_sheet(space, found, total=proposals.total), format, settings)
    streams.note(f"the first {len(found):,}; {name} chooses by results" if learns else plural(len(found), "trial"))


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"--timeout {text!r} is no time", hint="for example 90s, 30m or 2h")
    return float(int(match[1]) * _UNITS[match[2]])


def _kept(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--keep-models {text!r} is neither all nor a number from 1", hint="--keep-models 3")
    return int(text)


def _scheduler(backend: str | None, scheduler: str | None) -> str | None:
    """The address of the Dask scheduler; None for workers of this machine."""
    if backend not in (None, "loky", "dask"):
        raise UsageError(f"no backend {backend!r}", hint="--backend loky | dask")
    if backend == "dask" and scheduler is None:
        raise UsageError("--backend dask needs its scheduler", hint="--scheduler tcp://HOST:8786")
    if backend != "dask" and scheduler is not None:
        raise UsageError("--scheduler is for Dask", hint="--backend dask")
    return scheduler
