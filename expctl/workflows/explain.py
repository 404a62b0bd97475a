"""Why two recorded runs differ: the trainings on the way from one to the other, each a run, and what they say.

What is trained lies below one parent run, the explanation. It is there to explain: `best` and `latest` pass over it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from expctl.analysis.ablation import ablation_path
from expctl.encoding import csv_text
from expctl.errors import DataError, TrainingFailed, UsageError, mask_secrets
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import File, Item, MetricValue, Param
from expctl.tracking.runs.metadata import RunMetadata, numbered, run_tags
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.writer import recording
from expctl.training.data.dataset import load_split
from expctl.training.fit.trainer import check_fit
from expctl.training.models.configure import with_extra_metric
from expctl.training.models.pipeline import build_pipeline
from expctl.training.search.recipe_diff import recipe_between
from expctl.workflows.assessment import assess_runs
from expctl.workflows.train import train_in_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from expctl.analysis.difference import Difference
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.dataset import Split
    from expctl.training.search.recipe_diff import Factor
    from expctl.workflows.explain_question import Question

_LONGEST: Final = 200  # characters of a run's name
Changed = frozenset[str]


@dataclass(frozen=True)
class Trained:
    """What became of a training on the way: its run, if there is one, and the metric, or the reason for none."""

    changed: Sequence[str]
    run: RunRecord | None
    value: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Link:
    """One step of the answer, from a run to the next; without factors it is environment or code that changed.

    `difference` has the interval, and `note` why there is none. `share` is the part of the whole difference.
    """

    factors: Sequence[Factor]
    before: float
    after: float
    run: RunRecord
    difference: Difference | None
    note: str | None
    share: float | None


@dataclass(frozen=True)
class Explanation:
    """A question with its answer. `whole` is the difference of the two runs, if they were tested on the same rows.

    `left_out` counts the combinations that are no step, by the reason.
    """

    question: Question
    parent: RunRecord
    links: Sequence[Link]
    whole: Difference | None
    trained: Sequence[Trained]
    left_out: Mapping[str, int]

    @property
    def used_up(self) -> bool:
        """Whether the budget came to its end on the way."""
        return self.question.budget is not None and len(self.trained) >= self.question.budget


def explain(
    store: Store,
    question: Question,
    *,
    confidence: float,
    report: Callable[[Trained], None] = lambda trained: None,
) -> Explanation:
    """Train the way from the first run to the second, below a parent run, and say what each step changes.

    A combination that cannot be trained is no step: `left_out` has the reason. Raises TrainingFailed if one of the two
    runs itself cannot be trained again, DataError if the data changes meanwhile.
    """
    code = provenance.read_code()
    tags = run_tags(RunMetadata(), "expctl explain", code, developer=store.settings.developer)
    one, other = (run.run_id for run in question.runs)
    asked = {"baseline": one, "challenger": other, "metric": question.metric, "budget": question.budget}
    tags[Tag.EXPLANATION] = json.dumps(asked)
    name = "-".join(["explain", *(run.label for run in question.runs)])[:_LONGEST]
    with recording(store, name, tags) as writer:
        parent = store.get(writer.run_id)
        requirements = provenance.requirements(provenance.packages())
        trainer = _Trainer(store, question, parent, tags, requirements, code.patch if code else None, report)
        every = frozenset(factor.name for factor in question.factors)
        ends = [
            trainer.again(run, changed) if again else run
            for changed, again, run in zip((frozenset[str](), every), question.again, question.runs, strict=True)
        ]
        steps = ablation_path(
            [factor.name for factor in question.factors],
            ends[0].metrics[question.metric],
            ends[1].metrics[question.metric],
            trainer.evaluate,
            budget=question.left,
            possible=trainer.possible,
        )
        path: list[tuple[Sequence[Factor], RunRecord]] = [((), question.runs[0]), ((), ends[0])]
        reached = frozenset[str]()
        for step in steps:
            reached = reached.union(step.names)
            run = ends[1] if reached == every else trainer.runs[reached]
            path.append(([factor for factor in question.factors if factor.name in step.names], run))
        path.append(((), question.runs[1]))
        whole, links = _links(store, question, path, confidence)
        writer.write(_closing(question, links, trainer.trained))
    return Explanation(question, parent, links, whole, trainer.trained, trainer.left_out)


@dataclass
class _Trainer:
    """Trains what lies between the two runs of a question, each combination as a child run of `parent`."""

    store: Store
    question: Question
    parent: RunRecord
    tags: dict[str, str]
    requirements: str
    patch: bytes | None
    report: Callable[[Trained], None]
    trained: list[Trained] = field(default_factory=list)
    runs: dict[Changed, RunRecord] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    # The rows are read and divided once for all that divides them alike, as long as that is one of the last few.
    split: Callable[[str, bool], Split] = field(default_factory=lambda: lru_cache(maxsize=4)(_split))

    def _recipe(self, changed: Changed) -> Recipe:
        made = recipe_between(*self.question.recipes, [one for one in self.question.factors if one.name in changed])
        measured = self.question.measured
        return made if measured is None else with_extra_metric(made, measured)

    def possible(self, changed: Changed) -> bool:
        """Whether a combination is valid; of one that is not, the reason is noted."""
        try:
            self._recipe(changed)
        except UsageError as error:
            self.left_out[error.message] += 1
            return False
        return True

    def again(self, run: RunRecord, changed: Changed) -> RunRecord:
        """One of the two runs, trained once more. Raises TrainingFailed."""
        if self.evaluate(changed) is None:
            reason = self.trained[-1].reason
            raise TrainingFailed(
                f"run {run.described} cannot be trained again here: {reason}",
                hint="expctl compare A B",
            )
        return self.runs[changed]

    def evaluate(self, changed: Changed) -> float | None:
        """Train and record a combination: its metric, or None and the reason noted."""
        self.begun += 1
        try:
            recipe = self._recipe(changed)
            plain = replace(recipe, model="", parameters={}).to_json()
            split = self.split(plain, bool(recipe.own_code))
            pipeline = build_pipeline(recipe)
            check_fit(recipe, pipeline, split)
        except (UsageError, DataError) as error:
            return self._told(changed, None, None, error.message)
        self._check_same(split, changed)
        name = numbered(self.parent.name, self.begun)
        tags = {**self.tags, Tag.PARENT: self.parent.run_id, Tag.TRIAL: str(self.begun)}
        begun: list[str] = []
        try:
            run, _ = train_in_run(
                self.store, name, tags, recipe, split, pipeline, requirements=self.requirements, patch=self.patch,
                alone=False, begun=begun.append,
            )  # fmt: skip
        except TrainingFailed as error:
            return self._told(changed, self.store.get(begun[0]), None, error.message)
        value = run.metrics.get(self.question.metric, math.nan)
        if not math.isfinite(value):
            return self._told(changed, run, None, f"it has no finite {self.question.metric}")
        self.runs[changed] = run
        return self._told(changed, run, value)

    def _check_same(self, split: Split, changed: Changed) -> None:
        side = int("data" in changed)
        if (split.data_hash, split.test_data_hash) != self.question.hashes[side]:
            path = mask_secrets(self.question.recipes[side].data)
            raise DataError(f"{path} changed meanwhile", hint="start again when nothing writes to it")

    def _told(
        self, changed: Changed, run: RunRecord | None, value: float | None, reason: str | None = None
    ) -> float | None:
        names = [factor.name for factor in self.question.factors if factor.name in changed]
        self.trained.append(Trained(names, run, value, reason))
        if reason is not None:
            self.left_out[reason] += 1
        self.report(self.trained[-1])
        return value


def _split(recipe: str, all_columns: bool) -> Split:
    return load_split(Recipe.from_json(recipe), all_columns=all_columns)


def _links(
    store: Store, question: Question, path: Sequence[tuple[Sequence[Factor], RunRecord]], confidence: float
) -> tuple[Difference | None, list[Link]]:
    """The whole difference, and the steps from each run of a path to the next; of the same run none."""
    first, last = question.runs
    read = {run.run_id: (run, read_predictions(store, run)) for _, run in path}

    def tested(one: RunRecord, other: RunRecord) -> tuple[Difference | None, str | None]:
        test = assess_runs(store, read[one.run_id], read[other.run_id], confidence=confidence)
        found = test.differences.get(question.metric)
        if test.pairing is None or not test.pairing.complete:
            return None, test.note if one.test_set == other.test_set else "other test rows"
        unknown = f"{question.metric} cannot be tested on these predictions"
        return found, None if found else test.untested.get(question.metric, unknown)

    whole, _ = tested(first, last)
    total = last.metrics[question.metric] - first.metrics[question.metric]
    nothing = total == 0 or _about_nothing(question, whole)
    links = []
    for (_, one), (factors, other) in pairwise(path):
        before, after = (run.metrics[question.metric] for run in (one, other))
        if factors or before != after:
            share = None if nothing else (after - before) / total
            links.append(Link(factors, before, after, other, *tested(one, other), share))
    return whole, links


def _about_nothing(question: Question, whole: Difference | None) -> bool:
    """Whether the whole difference may be none, so that no part of it means anything.

    By its interval; without one, on other test rows, by whether each run lies within the other's limits.
    """
    if whole is not None:
        return whole.low <= 0 <= whole.high
    values = [run.metrics[question.metric] for run in question.runs]
    limits = [
        [run.metrics.get(f"{question.metric}_{end}", value) for end in ("low", "high")]
        for run, value in zip(question.runs, values, strict=True)
    ]
    return all(low <= value <= high for value, (low, high) in zip(values, reversed(limits), strict=True))


def _closing(question: Question, links: Sequence[Link], trained: Sequence[Trained]) -> Iterator[Item]:
    """What the parent run holds: the path as a file and as points of a chart, and every combination that was tried."""
    yield Param("metric", question.metric)
    steps: list[list[object]] = [["factor", "before", "after", "low", "high", "share", "run_id", "note"]]
    for link in links:
        limits = [None, None] if link.difference is None else [link.difference.low, link.difference.high]
        name = " + ".join(factor.name for factor in link.factors)
        steps.append([name, link.before, link.after, *limits, link.share, link.run.run_id, link.note])
    tried: list[list[object]] = [["changed", question.metric, "run_id", "reason"]]
    for one in trained:
        run_id = None if one.run is None else one.run.run_id
        tried.append([" + ".join(one.changed), one.value, run_id, one.reason])
    for name, table in (("path.csv", steps), ("tried.csv", tried)):
        yield File(name, csv_text(table, formulas="escape").encode("utf-8", "surrogatepass"))
    values = [question.runs[0].metrics[question.metric], *(link.after for link in links)]
    yield from (MetricValue(f"path_{question.metric}", value, step) for step, value in enumerate(values))
