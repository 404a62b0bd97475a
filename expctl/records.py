"""What a recorded run looks like to its readers. Plain values: knows no store, no screen and no statistics."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

Status = Literal["running", "scheduled", "finished", "failed", "killed"]
STATUSES: Final[tuple[Status, ...]] = ("running", "scheduled", "finished", "failed", "killed")

Value = str | int | float | bool | None

# SQLite cannot hold infinity: MLflow stores the largest float in its place.
STORED_INFINITY: Final = 1.797e308

# MLflow cuts longer tags with no more than a warning.
TAG_LIMIT: Final = 8000
_MOST_TAGS: Final = 100  # of one text


class Tag:
    """The tags expctl itself writes. Everything not meant for people begins with `expctl.`."""

    RECIPE: Final = "expctl.recipe"
    VERSION: Final = "expctl.version"
    TEST_SET: Final = "expctl.test_set"
    COMPLETE: Final = "expctl.complete"
    MODEL_DIGEST: Final = "expctl.model_sha256"
    UNTRUSTED: Final = "expctl.untrusted_types"  # of the model, without which it is not loaded unless by --trust
    PREDICTIONS_DIGEST: Final = "expctl.predictions_sha256"
    RESAMPLES_DIGEST: Final = "expctl.resamples_sha256"
    REASON: Final = "expctl.reason"
    WARNINGS: Final = "expctl.warnings"
    HOST: Final = "expctl.host"
    PID: Final = "expctl.pid"
    STARTED: Final = "expctl.process_started"
    STAGE: Final = "expctl.stage"  # of a run that is being recorded: see runs/stages.py
    KEY: Final = "expctl.key"
    SWEEP: Final = "expctl.sweep"
    TRIAL: Final = "expctl.trial"
    BEST_RUN: Final = "expctl.best_run"
    REPRODUCES: Final = "expctl.reproduces"
    VERDICT: Final = "expctl.verdict"
    EXPLANATION: Final = "expctl.explanation"
    PROGRAM: Final = "expctl.program"  # of a run that a program of the user's made: its command line, as JSON
    PRUNED: Final = "expctl.pruned"  # the step at which a sweep stopped a trial of a program that did worse than others
    TASK: Final = "expctl.task"  # what the predictions of a program are, where they are not of classes
    ADOPTED: Final = "expctl.adopted"  # when the predictions of a run of another program were added to it
    PROMOTED_AS: Final = "promoted_as"  # these are of registered versions, for people who read MLflow's pages
    PROMOTED_BY: Final = "promoted_by"
    PROMOTED_AT: Final = "promoted_at"
    PROMOTED_BECAUSE: Final = "promoted_because"
    PROMOTED_BUDGET: Final = "promoted_budget"  # and this, of one that a decision has promoted
    DECISION: Final = "expctl.decision."  # and a digest: of a registered version, what was decided about its place
    JUDGED: Final = "expctl.judged"  # NAME@ALIAS, of a run that was judged for it
    IMPORTED: Final = "expctl.imported"  # when; written last: without it an import was cut short
    IMPORTED_ID: Final = "expctl.imported_id"  # under which the run was first recorded, in another store
    IMPORTED_FROM: Final = "expctl.imported_from"
    IMPORTED_TRIAL: Final = "expctl.imported_trial"  # PARENT and TRIAL, of a trial whose sweep is not here
    DATASETS: Final = "expctl.datasets"  # where the server has no data sets (before MLflow 2.4): see Dataset
    ALIAS: Final = "expctl.alias."  # and the alias: of a registered version, where it has no aliases (before 2.3)
    MODEL_HISTORY: Final = "mlflow.log-model.history"  # by it MLflow 2 shows that a run has a model
    DEVELOPER: Final = "developer"
    DATA_VERSION: Final = "data_version"
    GIT_COMMIT: Final = "git_commit"
    GIT_BRANCH: Final = "git_branch"
    GIT_DIRTY: Final = "git_dirty"
    GIT_REMOTE: Final = "git_remote"
    GIT_FOLDER: Final = "git_folder"  # the current folder, below the root of the repository
    NOTE: Final = "mlflow.note.content"  # MLflow's own: the UI shows it as the run's description
    PARENT: Final = "mlflow.parentRunId"


# The tags that say which machine made a run.
MACHINE: Final = ("python", "platform", "cpus", "cpu", "blas", "threads")
# Those that are recorded from the environment, beside what people say.
RECORDED: Final = frozenset({Tag.GIT_COMMIT, Tag.GIT_BRANCH, Tag.GIT_REMOTE, Tag.GIT_FOLDER, Tag.GIT_DIRTY, *MACHINE})


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that a run was given, as MLflow records it; `context` says what for ("training")."""

    name: str
    digest: str
    context: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as the store tells it. `params` are text, as MLflow keeps them; `typed_params` are values again.

    `experiment` is the name of its experiment, which readers leave to the store.
    """

    run_id: str
    name: str
    status: Status
    experiment_id: str
    started: datetime | None = None
    ended: datetime | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
    artifact_uri: str = ""
    user_id: str = ""
    datasets: Sequence[Dataset] = ()
    experiment: str = ""

    @property
    def label(self) -> str:
        """What people read: the name, or the short id of a run without one."""
        return self.name or self.run_id[:8]

    @property
    def described(self) -> str:
        """The label with the short id, by which the run can be named again: names need not be unique."""
        return f"{self.label} ({self.run_id[:8]})"

    @property
    def duration(self) -> timedelta | None:
        """How long the run took; `None` while it is running. Never negative, whatever the clock did."""
        if self.started is None or self.ended is None:
            return None
        return max(self.ended - self.started, self.started - self.started)

    @property
    def typed_params(self) -> dict[str, Value]:
        """Parameters with numbers and booleans as such, wherever the text says exactly that value."""
        return {key: typed(text) for key, text in self.params.items()}

    @property
    def recipe_json(self) -> str | None:
        """The recipe by which it was trained, as JSON; None of any other run."""
        return whole_tag(self.tags, Tag.RECIPE)

    @property
    def user_tags(self) -> dict[str, str]:
        """Tags meant for people: neither MLflow's bookkeeping nor ours."""
        return {key: value for key, value in self.tags.items() if not key.startswith(("mlflow.", "expctl."))}

    @property
    def trial(self) -> int:
        """The number of a sweep's trial; 0 of any other run."""
        number = self.tags.get(Tag.TRIAL, "")
        return int(number) if number.isdecimal() else 0

    @property
    def is_regular_run(self) -> bool:
        """Whether the run is there for its model, rather than to tell of other runs (`explain`, `reproduce`)."""
        return Tag.EXPLANATION not in self.tags and Tag.REPRODUCES not in self.tags

    @property
    def task(self) -> str:
        """What its model has learned: classification or regression."""
        if Tag.TASK in self.tags:
            return self.tags[Tag.TASK]
        foreign = Tag.PROGRAM in self.tags or Tag.ADOPTED in self.tags  # whose own `task` is a word of theirs
        return "classification" if foreign else self.params.get("task", "classification")

    @property
    def test_set(self) -> str | None:
        """Fingerprint of the rows the run was tested on; equal means comparable row by row."""
        return self.tags.get(Tag.TEST_SET)

    @property
    def needs_trust(self) -> str | None:
        """That its model is loaded with --trust alone, in words; None of any other."""
        types = self.tags.get(Tag.UNTRUSTED)
        return types and f"its model is used with --trust only: {types} in it is not known to be safe"

    @property
    def warnings(self) -> list[str]:
        """What training warned of."""
        text = self.tags.get(Tag.WARNINGS, "[]")
        try:
            return [str(line) for line in json.loads(text)]
        except (ValueError, TypeError, RecursionError):
            return [text]


def tag_parts(key: str, text: str) -> dict[str, str]:
    """The tags that hold a text, of which a store takes so much in one: KEY, and where it is longer KEY.2, KEY.3, ...

    Raises ValueError for a text that is too long for all of them.
    """
    parts = [text[at : at + TAG_LIMIT] for at in range(0, len(text), TAG_LIMIT)] or [text]
    if len(parts) > _MOST_TAGS:
        raise ValueError(f"{len(text):,} characters, the limit is {_MOST_TAGS * TAG_LIMIT:,}")
    return {key if i == 1 else f"{key}.{i}": part for i, part in enumerate(parts, 1)}


def whole_tag(tags: Mapping[str, str], key: str) -> str | None:
    """The text of which `tag_parts` made the tags; None where there is none."""
    if key not in tags:
        return None
    keys = itertools.takewhile(tags.__contains__, (f"{key}.{i}" for i in itertools.count(2)))
    return tags[key] + "".join(tags[one] for one in keys)


def typed(text: str) -> Value:
    """The value whose text this is: `"1.0"` is 1.0, `"007"` stays text because no number prints so."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text:
            return value
    return text
