"""What a sweep shows: its trials before, its progress, and its ranking. Values in, sheets and lines of text out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from expctl.render.sheet import Brief, Column, Sheet
from expctl.render.views import ranking_sheet, settings
from expctl.wording import agree, metric_text, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from expctl.analysis.ranking import Ranking
    from expctl.records import RunRecord, Value
    from expctl.render.sheet import Cell
    from expctl.training.search.samplers import Trial
    from expctl.training.search.space import SearchPoint, SearchSpace
    from expctl.workflows.sweep_board import Progress
    from expctl.workflows.sweep_record import Swept


def trials_sheet(space: SearchSpace[Any], trials: Sequence[Trial[Any]], *, total: int | None) -> Sheet:
    """`sweep --dry-run`: each trial and what is varied in it."""
    keys = [axis.key for axis in space.axes]
    columns = [Column("trial", "#", "number"), *(_column(key, trials) for key in keys)]
    varied = [settings(_chosen(trial, key) for trial in trials) for key in keys]
    rows: list[list[Cell]] = [[trial.number, *(one[i] for one in varied)] for i, trial in enumerate(trials)]
    return Sheet("trials", columns, rows, total=total)


def _chosen(trial: Trial[Any], key: str) -> Cell:
    """The value as one types it, none too; nothing where the trial's model has no such parameter."""
    value = trial.point.get(key)
    return Brief("none", None) if value is None and key in trial.point else value


def _column(key: str, trials: Sequence[Trial[Any]]) -> Column:
    values = [trial.point[key] for trial in trials if key in trial.point]
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return Column(key, kind="number" if numeric else "text")


def swept_sheet(parent: RunRecord, ranking: Ranking) -> Sheet:
    """`sweep`: its trials, the best first. `--format id` prints the best alone."""
    sheet = ranking_sheet(ranking)
    facts: dict[str, Cell] = {"sweep": parent.name, "sweep_id": parent.run_id, "trials": len(ranking.ranked)}
    return replace(sheet, kind="sweep", facts=facts, ids=sheet.ids[:1])


def settings_of(point: SearchPoint) -> str:
    """A point in words: `c=0.1 max_features=1000`."""
    return " ".join(f"{key}={_written(value)}" for key, value in point.items())


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)


def best_so_far(progress: Progress) -> str:
    """`best 0.8731`, or nothing as long as there is none."""
    return f"best {metric_text(progress.best[1])}" if progress.best is not None else ""


def trial_line(progress: Progress, metric: str) -> str:
    """The trial that has just ended, as a line of a log."""
    assert progress.last is not None
    trial, value = progress.last
    of = f"/{progress.total}" if progress.total is not None else ""
    if progress.error is not None:
        outcome = f"failed: {progress.error}"
    elif not isinstance(value, float | int | None):
        outcome = f"pruned at step {value.step}"
    else:
        outcome = f"{metric} {metric_text(value)}" if value is not None else f"no {metric}"
    best = (
        f" (best {metric_text(progress.best[1])}, trial {progress.best[0].number})" if progress.best is not None else ""
    )
    return f"{progress.ended}{of} trial {trial.number}: {settings_of(trial.point)}: {outcome}{best}"


def remarks(swept: Swept, objective: str) -> Iterator[str]:
    """What a person should know besides the ranking, a line each."""
    outcome = swept.outcome
    for reason, count in swept.left_out.items():
        yield f"left out {plural(count, 'combination')}: {reason}"
    if outcome.known and not outcome.done and not outcome.failed:
        yield f"nothing was left to do: {plural(outcome.known, 'trial')} had been finished"
    elif outcome.known:
        yield f"{plural(outcome.known, 'trial')} had been finished before"
    if outcome.first_failure is not None:
        trial, error = outcome.first_failure
        ended = outcome.failed + outcome.done + outcome.pruned
        failed = f"{outcome.failed:,} of {plural(ended, 'trial')} failed"
        yield f"{failed}; the first, {settings_of(trial.point)}: {error.message}"
    if outcome.pruned:
        trials = outcome.pruned + outcome.failed + outcome.done
        yield f"{outcome.pruned:,} of {plural(trials, 'trial')} {agree(outcome.pruned, 'was', 'were')} pruned"
    if swept.missing:
        first = min(swept.missing)
        lacking = (
            f"{len(swept.missing):,} of {plural(outcome.done, 'trial')} {agree(len(swept.missing), 'lacks', 'lack')}"
        )
        yield f"{lacking} a metric; the first, trial {first}: {swept.missing[first][0]}"
    if outcome.timed_out:
        resume = f"expctl sweep --resume {swept.parent.run_id[:8]}"
        yield f"time was up after {plural(outcome.done, 'trial')}; resume: {resume}"
    told = next((run.needs_trust for run in swept.ranked if run.needs_trust), None)
    if told:
        yield f"warning: of some trials {told}"
    if swept.repeats:
        yield f"the sampler proposed nothing new after {plural(outcome.done + outcome.known + outcome.failed, 'trial')}"
    for key, (value, side) in swept.edges.items():
        yield f"the best {key}, {_written(value)}, is the {side} that was tried: a better one may lie beyond"
    if swept.importance:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in swept.importance.items())
        yield f"parameter importance for {objective}: {shares}"
    yield f"next: expctl show {swept.ranked[0].run_id[:8]}, or report: expctl report {swept.parent.run_id[:8]}"
