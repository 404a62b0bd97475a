"""What `explain` shows: the factors, each training as it ends, the steps. Values in, sheets and lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.metrics import higher_is_better
from expctl.render.sheet import Change, Column, Share, Sheet
from expctl.render.sweeps import settings_of
from expctl.render.views import settings
from expctl.wording import metric_text, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from expctl.render.sheet import Cell
    from expctl.training.search.recipe_diff import Factor
    from expctl.workflows.explain import Explanation, Link, Trained
    from expctl.workflows.explain_question import Question

_ENVIRONMENT = "unexplained: environment or code"
_FACTOR = (Column("factor"), Column("from", width=32), Column("to", width=32))


def factors_sheet(question: Question) -> Sheet:
    """`explain --dry-run`: what would be changed one by one, and how many trainings that takes at most."""
    rows = [_factor_cells([factor]) for factor in question.factors]
    return Sheet("factors", _FACTOR, rows, facts={**_asked(question), "trainings": question.trainings})


def explanation_sheet(explanation: Explanation) -> Sheet:
    """`explain`: a row a step, with its effect, the limits of that and its share of the whole difference."""
    whole, links = explanation.whole, explanation.links
    columns = [
        Column("step", "#", "number"),
        *_FACTOR,
        Column("before", kind="number"),
        Column("after", kind="number"),
        Column("effect", kind="change"),
        Column("low", kind="change"),
        Column("high", kind="change"),
        Column("share", kind="number"),
        Column("run_id", "run", "id", width=8),
        *([Column("note")] if any(link.note for link in links) else []),
    ]
    metric = explanation.question.metric
    rows = [[number, *_link_cells(link, metric)][: len(columns)] for number, link in enumerate(links, 1)]
    limits: dict[str, Cell] = dict.fromkeys(("low", "high"))
    if whole is not None:
        limits = {"low": Change(whole.low), "high": Change(whole.high)}
    facts = {"explanation": explanation.parent.name, "explanation_id": explanation.parent.run_id}
    return Sheet(
        "explanation",
        columns,
        rows,
        facts={**facts, **_asked(explanation.question), **limits, "trainings": len(explanation.trained)},
        ids=[explanation.parent.run_id],
    )


def nothing_sheet(question: Question) -> Sheet:
    """`explain` of two runs that differ in nothing."""
    return Sheet("explanation", [Column("step", "#", "number"), *_FACTOR], [], facts=_asked(question))


def _asked(question: Question) -> dict[str, Cell]:
    one, other = question.runs
    return {
        "baseline": f"{one.label} ({one.run_id})",
        "challenger": f"{other.label} ({other.run_id})",
        "metric": question.metric,
        "difference": Change(other.metrics[question.metric] - one.metrics[question.metric]),
    }


def _factor_cells(factors: Sequence[Factor]) -> list[Cell]:
    """Its name and values; of several as `c=1 max_features=5000`."""
    if len(factors) == 1:
        old, new = ("none" if one is None else one for one in (factors[0].old, factors[0].new))
        return [factors[0].name, *settings((old, new))]
    told = (settings_of({one.name: getattr(one, side) for one in factors}) for side in ("old", "new"))
    return [" + ".join(one.name for one in factors), *told]


def _link_cells(link: Link, metric: str) -> list[Cell]:
    names: list[Cell] = _factor_cells(link.factors) if link.factors else [_ENVIRONMENT, None, None]
    effect, one = link.after - link.before, link.difference
    sure = one is not None and (one.low > 0 or one.high < 0)
    return [
        *names,
        link.before,
        link.after,
        Change(effect, (effect > 0) == higher_is_better(metric) if sure else None),
        *([None, None] if one is None else [Change(one.low), Change(one.high)]),
        None if link.share is None else Share(link.share),
        link.run.run_id,
        link.note,
    ]


def training_line(trained: Trained, number: int, question: Question) -> str:
    """A training that has just ended, as a line of a log."""
    ends = {0: "A again", len(question.factors): "B again"}
    what = ends.get(len(trained.changed)) or f"changing {' + '.join(trained.changed)}"
    outcome = (
        f"left out: {trained.reason}" if trained.value is None else f"{question.metric} {metric_text(trained.value)}"
    )
    return f"{number}/{question.trainings} {what}: {outcome}"


def remarks(explanation: Explanation) -> Iterator[str]:
    """What a person should know besides the steps, a line each."""
    question = explanation.question
    for reason, count in explanation.left_out.items():
        yield f"left out {plural(count, 'combination')}: {reason}"
    for link in explanation.links:
        if len(link.factors) > 1:
            why = "the budget is used up" if explanation.used_up else "one by one they cannot be trained"
            yield f"{', '.join(one.name for one in link.factors)} changed together: {why}"
    if explanation.links and all(link.share is None for link in explanation.links):
        yield f"no shares: the whole difference of {question.metric} may be none"
    yield f"next: expctl show {explanation.parent.run_id[:8]}"
