"""The trials that a sweep would run, as far as that can be told without training. Touches neither data nor store."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from expctl.errors import UsageError
from expctl.training.search.samplers import SAMPLERS, STARTUP
from expctl.workflows.requests import SAMPLER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.training.search.samplers import Trial
    from expctl.training.search.space import SearchSpace
    from expctl.workflows.requests import SweepRequest


@dataclass(frozen=True, slots=True)
class Preview:
    """`trials` are all, but of a sampler that `learns` the first; `left_out` counts invalid points by reason."""

    space: SearchSpace[Any]
    sampler: str
    trials: Sequence[Trial[Any]]
    total: int | None
    learns: bool
    left_out: Mapping[str, int]


def preview(request: SweepRequest) -> Preview:
    """What a request for a new sweep would run. Raises UsageError if no point of the space is valid."""
    sampler, space = request.sampler or SAMPLER, request.search_space()
    proposals = request.proposals(space)
    learns = SAMPLERS[sampler].learns
    trials = list(islice(iter(proposals.ask, None), STARTUP if learns else None))
    if proposals.left_out and not trials:
        raise UsageError(next(iter(proposals.left_out)))
    return Preview(space, sampler, trials, proposals.total, learns, proposals.left_out)
