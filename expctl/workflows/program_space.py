"""The search space of a program: a command line with braces, and the program's request at each point. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expctl.errors import UsageError, closest
from expctl.programs.arguments import parameters
from expctl.programs.placeholders import OF_RUN, filled, placeholders
from expctl.tracking.runs.metadata import check_encodable, check_key
from expctl.training.models.configure import NUMBERS, literal
from expctl.training.search.space import SearchSpace, read_axis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import Value
    from expctl.training.search.space import Axis, SearchPoint
    from expctl.workflows.program_request import ProgramRequest


@dataclass(frozen=True)
class _Template:
    """A program whose words have names in braces. `spelled` has listed values as they were typed: 1e-4, true."""

    request: ProgramRequest
    spelled: Mapping[str, Mapping[tuple[type, Value], str]]

    def __call__(self, point: SearchPoint) -> ProgramRequest:
        """The program at a point. Parameters that its arguments do not say by their names it has besides."""
        words = {key: self._word(key, value) for key, value in point.items()}
        command = filled(self.request.command, words, others=True)
        said = parameters(command)
        besides = {key: word for key, word in words.items() if said.get(key) != word}
        return replace(self.request, command=command, params={**self.request.params, **besides})

    def _word(self, key: str, value: Value) -> str:
        return self.spelled[key].get((type(value), value), str(value))


def program_space(
    texts: Mapping[str, str], request: ProgramRequest, given: Mapping[str, object]
) -> SearchSpace[ProgramRequest]:
    """The space that `KEY: SPACE` texts make around a program.

    Raises UsageError for a key that the command does not mention, and for a name in its braces that is no key.
    """
    example = "for example expctl sweep -g lr=0.1,1 --metric loss -- python train.py --lr {lr}"
    if not texts:
        raise UsageError("a sweep needs something to vary", hint=example)
    named = placeholders(request.command)
    for name in named:
        if name not in texts and name not in OF_RUN:
            raise UsageError(
                f"nothing is said of {{{name}}} in the command{closest(name, [*texts, *OF_RUN])}",
                hint=f"-g {name}=VALUES, or {{{{{name}}}}} for these braces themselves",
            )
    for key, text in texts.items():
        check_key("-g", key)
        check_encodable(f"-g {key}", text)
        if key in OF_RUN:
            raise UsageError(f"-g {key}: {{{key}}} is filled in by expctl", hint="choose another name")
        if key in request.params:
            raise UsageError(f"{key} is both fixed and varied with -g", hint="give it once")
        if key not in named:
            raise UsageError(
                f"-g {key}: the command does not mention {{{key}}}",
                hint=f"for example --{key.replace('_', '-')} {{{key}}}",
            )
    axes = tuple(read_axis(key, text) for key, text in texts.items())
    spelled = {axis.key: _spelled(axis) for axis in axes}
    seed = NUMBERS["random_state"].read(given.get("random_state", 42))
    assert isinstance(seed, int)
    return SearchSpace(axes, (), seed, _Template(request, spelled))


def _spelled(axis: Axis) -> dict[tuple[type, Value], str]:
    """The values of a list, as they were typed."""
    words = [word.strip() for word in axis.text.split(",")]
    return {(type(value), value): word for word in reversed(words) for value in [literal(word)]}
