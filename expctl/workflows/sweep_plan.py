"""What was asked of a sweep, as its parent run keeps it: enough to go on with it, or to make it again.

And of an explanation, which is made again from its beginning only.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.columns import read_columns, written_columns
from expctl.errors import RunNotFound, UsageError, mask_secrets
from expctl.metrics import usual_metrics_of
from expctl.parameters import parameter_words
from expctl.recipe import OPTIONS
from expctl.records import Tag, whole_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord
    from expctl.workflows.program_request import ProgramRequest

_OF_PROGRAMS: Final = ("program", "prune")


@dataclass(frozen=True)
class Plan:
    """What was asked of a sweep, as its parent run keeps it.

    `space` has the SPACE of each axis and `given` what all trials have in common, both as they were written. `window`
    is the number of jobs it was begun with, on which the trials of a sampler that learns depend. Without
    `keep_models` every model is kept. `program` is what `ProgramRequest.to_json` writes of the program that is run with
    the names of the axes in braces, `prune` the pruner of its trials; None of a sweep of models.
    """

    space: Mapping[str, str]
    given: Mapping[str, Any]
    sampler: str
    trials: int | None
    metric: str
    window: int
    keep_models: int | None
    data_hash: str | None
    test_data_hash: str | None
    program: Mapping[str, Any] | None = None
    prune: str | None = None

    def to_json(self) -> str:
        """One line of JSON. The axes stay in their order: the trials depend on it."""
        said = {key: value for key, value in asdict(self).items() if value is not None or key not in _OF_PROGRAMS}
        if self.given.get("columns") is not None:
            said["given"] = {**self.given, "columns": written_columns(self.given["columns"])}
        return mask_secrets(json.dumps(said, ensure_ascii=False))

    @classmethod
    def of(cls, parent: RunRecord) -> Plan:
        """The plan of a recorded sweep. Raises RunNotFound if the run is none."""
        try:
            plan = cls(**json.loads(whole_tag(parent.tags, Tag.SWEEP) or ""))
            if plan.given.get("columns") is not None:
                plan = replace(plan, given={**plan.given, "columns": read_columns(plan.given["columns"])})
            texts = (*plan.space.keys(), *plan.space.values(), *plan.given.keys(), plan.sampler, plan.metric)
            numbers = (plan.trials, plan.keep_models, plan.window)
            plan.request()
            if not all(isinstance(one, str) for one in texts) or not all(
                one is None or isinstance(one, int) for one in numbers
            ):
                raise TypeError
            return plan
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError, UsageError):
            above = parent.tags.get(Tag.PARENT)
            hint = "expctl list" if above is None else f"{above[:8]} is the one it belongs to"
            raise RunNotFound(f"run {parent.described} is not a sweep", hint=hint) from None

    @property
    def objective(self) -> str:
        """The metric's key on a run: its mean over the folds where there are some, else the value on the test rows."""
        return f"cv_{self.metric}_mean" if self.given.get("cv") not in (None, "none") else self.metric

    @property
    def _usual_metric(self) -> str:
        return usual_metrics_of(str(self.given.get("task") or "classification"))[0]

    @property
    def data(self) -> str:
        """The data file."""
        return str((self.given if self.program is None else self.program).get("data", "the data"))

    def request(self) -> ProgramRequest | None:
        """The program of the sweep, as far as it was written down."""
        if self.program is None:
            return None
        from expctl.workflows.program_request import ProgramRequest  # for all that lists runs, a tenth of its time

        return ProgramRequest.from_said(self.program)

    def command(self) -> str:
        """The `expctl sweep` line that makes this sweep again, or the `train --repeats` line of a set."""
        states = self._states()
        words = ["expctl", "sweep", *(part for key, text in self.space.items() for part in ("-g", f"{key}={text}"))]
        if states:
            words = ["expctl", "train", "--repeats", str(len(states)), "--random-state", str(states[0])]
        for key, value in self.given.items():
            if key == "columns":  # which follow from the rest
                continue
            words += OPTIONS[key].words(value) if key in OPTIONS else parameter_words(key, value)
        if states:
            return shlex.join(words)
        asked = {
            "sampler": self.sampler, "trials": self.trials, "metric": self.metric, "prune": self.prune,
            "jobs": self.window, "keep-models": self.keep_models,
        }  # fmt: skip
        words += [part for key, value in asked.items() if value is not None for part in (f"--{key}", str(value))]
        program = self.request()
        if program is not None:
            words += [*program.option_words(timeout="--trial-timeout"), "--", *program.command]
        return shlex.join(words)

    def _states(self) -> list[int]:
        """The random states of a set that `train --repeats` makes: those that follow one, and nothing of a search."""
        text = self.space.get("random_state", "")
        if len(self.space) > 1 or not re.fullmatch(r"\d+(,\d+)+", text) or self.keep_models is not None:
            return []
        states = [int(state) for state in text.split(",")]
        plain = self.trials is None and (self.sampler, self.metric) == ("grid", self._usual_metric)
        return states if plain and states == list(range(states[0], states[0] + len(states))) else []


def check_same(plan: Plan, space: Mapping[str, str], given: Mapping[str, Any], wish: Mapping[str, Any]) -> None:
    """Raise UsageError, naming the difference, where something is asked for that the plan has otherwise."""
    planned = {
        "sampler": plan.sampler, "metric": plan.metric, "keep_models": plan.keep_models, "prune": plan.prune
    }  # fmt: skip
    for asked, had in ((space, plan.space), (given, plan.given), (wish, planned)):
        for key, value in asked.items():
            if key == "data" and had.get(key):
                continue  # it may lie elsewhere by now: its hash decides
            if str(value) != str(had.get(key)):
                raise UsageError(
                    f"the sweep has {key} {had.get(key, 'as it is by default')}, not {value}",
                    hint="--resume RUN alone goes on with it; without --resume a new sweep begins",
                )


def explanation_command(parent: RunRecord) -> str | None:
    """The `expctl explain` line that makes a recorded explanation again; None if its tag does not say."""
    try:
        asked = json.loads(parent.tags[Tag.EXPLANATION])
        words = ["expctl", "explain", asked["baseline"], asked["challenger"], "--metric", asked["metric"]]
        words += [] if asked["budget"] is None else ["--budget", str(asked["budget"])]
        return shlex.join(words)
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
