"""What speaks for each class, as a sheet. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expctl.render.sheet import Brief, Cell, Column, Sheet

if TYPE_CHECKING:
    from expctl.analysis.importance import Importance


def importance_sheet(found: Importance) -> Sheet:
    """`importance`: class, rank, term and weight, the strongest first."""
    rows: list[list[Cell]] = [
        [name, place, shown_term(term), weight]
        for name, terms in found.terms
        for place, (term, weight) in enumerate(terms, 1)
    ]
    columns = [Column("class"), Column("rank", "#", "number"), Column("term"), Column("weight", kind="number")]
    facts = {
        "run": found.run.name,
        "run_id": found.run.run_id,
        "model": found.run.params.get("model"),
        "weight": found.kind,
    }
    return Sheet("importance", columns, rows, facts=facts, ids=[found.run.run_id])


def shown_term(term: str) -> Cell:
    """A term; in tables with a sign for blanks at its ends, which terms of characters have."""
    start, end = len(term) - len(term.lstrip(" ")), len(term) - len(term.rstrip(" "))
    if not start and not end:
        return term
    return Brief("␣" * start + term.strip(" ") + ("␣" * end if term.strip(" ") else ""), term)
