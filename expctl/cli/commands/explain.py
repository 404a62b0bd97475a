"""`expctl explain`: why two runs differ, by the path between them. Owns its arguments and both streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry, read_format
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.settings import load_settings
from expctl.wording import metric_text, plural

if TYPE_CHECKING:
    from expctl.workflows.explain import Trained
    from expctl.workflows.explain_question import Question


def explain(
    baseline: Annotated[
        str, typer.Argument(metavar="A", help="The run to start from.", autocompletion=completion.runs)
    ],
    challenger: Annotated[
        str, typer.Argument(metavar="B", help="The run to arrive at.", autocompletion=completion.runs)
    ],
    metric: Annotated[
        str | None,
        typer.Option(
            parser=common.quality_metric("explain cannot test", own=True),
            metavar="M",
            help=f"The metric whose difference is explained.{common.BY_TASK}",
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Train at most this often; what is not reached is one step.  [default: all]"
        ),
    ] = None,
    confidence: common.Confidence = 0.95,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what differs and how many trainings it takes; train nothing.")
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run code of your own that the recipes name.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Explain the difference of two runs. Trains the path from A to B, the most effective change first."""
    if dry_run:
        read_format(format, without=["id"])
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.explanations import explanation_sheet, factors_sheet, nothing_sheet, remarks, training_line
    from expctl.tracking.runs.references import resolve
    from expctl.workflows.explain import explain as answer
    from expctl.workflows.explain_question import ask, check

    store = opened(settings, streams, verbose=verbose)
    runs = resolve(store, baseline), resolve(store, challenger)
    question = ask(store, runs, metric, budget=budget)
    if not question.factors:
        streams.write(nothing_sheet(question), format, settings)
        streams.note(_nothing(question))
        return
    check(question, trust=trust or dry_run)
    if dry_run:
        streams.write(factors_sheet(question), format, settings)
        return
    streams.note(_announced(question))
    ended: list[Trained] = []

    def report(trained: Trained) -> None:
        ended.append(trained)
        streams.note(training_line(trained, len(ended), question))

    with stdout_is_ours():
        explanation = answer(store, question, confidence=confidence, report=report)
        store.refresh_planner_stats()
    streams.write(explanation_sheet(explanation), format, settings)
    for line in remarks(explanation):
        streams.note(line)


def _nothing(question: Question) -> str:
    before, after = (run.metrics[question.metric] for run in question.runs)
    if before == after:
        return "nothing differs: the same recipe, the same data"
    return (
        f"nothing differs in recipe and data, yet {question.metric} went from"
        f" {metric_text(before)} to {metric_text(after)}: environment or code"
        " (expctl compare shows packages and tags that differ)"
    )


def _announced(question: Question) -> str:
    before, after = (run.metrics[question.metric] for run in question.runs)
    factors, trainings = len(question.factors), question.trainings
    return (
        f"{question.metric} {metric_text(before)} -> {metric_text(after)} by {plural(factors, 'factor')}:"
        f" {plural(trainings, 'training')}{' at most' if trainings else ''}"
        + (", A or B first: made in another environment, or by a factory" if any(question.again) else "")
    )


COMMANDS = [Entry("explain", explain, topic="explain")]
