"""What a model goes by, terms or columns, as a sheet. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Brief, Cell, Column, Sheet

if TYPE_CHECKING:
    from expctl.analysis.importance import ColumnImportance, Importance


def importance_sheet(found: Importance) -> Sheet:
    """`importance`: class, rank, term and weight, the strongest first; what the terms are made of if they differ."""
    both = has_two_kinds(found)
    rows: list[list[Cell]] = [
        [name, place, shown_term(term.text), *([term.made_of] if both else []), term.weight]
        for name, terms in found.terms
        for place, term in enumerate(terms, 1)
    ]
    columns = [
        *(Column("class"), Column("rank", "#", "number"), Column("term"), *([Column("analyzer")] if both else [])),
        Column("weight", kind="number"),
    ]
    facts = {
        "run": found.run.name,
        "run_id": found.run.run_id,
        "model": found.run.params.get("model"),
        "weight": found.kind,
    }
    return Sheet("importance", columns, rows, facts=facts, ids=[found.run.run_id])


def column_importance_sheet(found: ColumnImportance) -> Sheet:
    """`importance` of a table: each column with its kind, and what the metric loses without it, with its limits."""
    rows: list[list[Cell]] = [[one.column, one.kind, one.loss, one.low, one.high] for one in found.columns]
    columns = [
        *(Column("column"), Column("kind"), Column("loss", kind="number", kept=True)),
        *(Column("loss_low", "low", "number"), Column("loss_high", "high", "number")),
    ]
    facts: dict[str, Cell] = {
        "run": found.run.name,
        "run_id": found.run.run_id,
        "model": found.run.params.get("model"),
        "metric": found.metric,
        "value": found.value,
        "permutations": found.permutations,
    }
    return Sheet("column_importance", columns, rows, facts=facts, ids=[found.run.run_id])


def has_two_kinds(found: Importance) -> bool:
    """Whether the terms of a model are words and characters."""
    return "+" in found.run.params.get("analyzer", "")


def shown_term(term: str) -> Cell:
    """A term; in tables with a sign for blanks at its ends, which terms of characters have."""
    start, end = len(term) - len(term.lstrip(" ")), len(term) - len(term.rstrip(" "))
    if not start and not end:
        return term
    return Brief("␣" * start + term.strip(" ") + ("␣" * end if term.strip(" ") else ""), term)
