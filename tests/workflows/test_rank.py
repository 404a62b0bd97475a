"""The best run against its rivals: who is tied with it, and what choosing it among the trials of a sweep was worth."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expctl.analysis.ranking import Ranking, may_tie, preferring, rank
from expctl.analysis.selection import corrected
from expctl.records import RunRecord, Tag
from expctl.tracking.runs.items import File, MetricValue
from expctl.tracking.runs.writer import RunWriter
from expctl.training.data.dataset import fingerprint
from expctl.training.data.rows import text_hashes
from expctl.workflows import rank as workflow
from expctl.workflows.rank import with_correction, with_ties
from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from pathlib import Path

    from expctl.tracking.store import Store

ROWS = 200
LABELS = np.random.default_rng(0).integers(0, 2, ROWS)


class Contest:
    """A store, and nested runs of one sweep recorded in it."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = store_of(folder)
        self.experiment = self.store.ensure_experiment()
        self.parent = self._run("sweep", {})

    def _run(self, name: str, tags: dict[str, str]) -> str:
        return str(self.store.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id)

    def run(
        self,
        name: str,
        right: float,
        *,
        seed: int = 0,
        parent: str | None = "",
        texts: str = "text",
        order: np.ndarray | None = None,
        stored: bool = True,
    ) -> RunRecord:
        """A finished run, right on about this share of rows; a trial of the sweep unless `parent` says otherwise."""
        random = np.random.default_rng(seed)
        said = np.where(random.random(ROWS) < right, LABELS, 1 - LABELS)
        order = np.arange(ROWS) if order is None else order
        names = np.array(["ham", "spam"])
        hashes = text_hashes([f"{texts} {i}" for i in range(ROWS)])
        tags = {Tag.TEST_SET: fingerprint(hashes, names[LABELS].tolist())}
        if parent is not None:
            tags[Tag.PARENT] = parent or self.parent
        run_id = self._run(name, tags)
        table = pa.table(
            {
                "row": order,
                "text_hash": hashes[order],
                "label": names[LABELS][order],
                "prediction": names[said][order],
            }
        )
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        items: list[Any] = [MetricValue("accuracy", float((said == LABELS).mean())), MetricValue("log_loss", 1 - right)]
        RunWriter(self.store, self.store.get(run_id)).write(
            [*items, *([File("predictions.parquet", buffer.getvalue())] if stored else [])]
        )
        self.store.client.set_terminated(run_id, "FINISHED")
        return self.store.get(run_id)

    def ranking(self, metric: str = "accuracy") -> Ranking:
        return rank(self.store.find(), metric)


@pytest.fixture
def sweep(folder: Path) -> Contest:
    return Contest(folder)


def said_by(right: float, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(ROWS) < right, LABELS, 1 - LABELS)


def test_the_best_of_a_sweep_is_corrected_for_having_been_chosen(sweep: Contest) -> None:
    trials = [sweep.run(f"trial {seed}", 0.8, seed=seed) for seed in range(6)]
    ranking = with_correction(sweep.store, sweep.ranking())
    best = ranking.ranked[0]
    assert (ranking.selected, ranking.trials) == (max(run.metrics["accuracy"] for run in trials), 6)
    order = [int(run.name.split()[1]) for run in ranking.ranked]
    expected = corrected(LABELS, [said_by(0.8, seed) for seed in order], 2, "accuracy")
    assert ranking.corrected == pytest.approx(expected, abs=1e-12)
    assert ranking.corrected is not None
    assert ranking.corrected < best.metrics["accuracy"]


def test_rows_stored_in_another_order_are_put_in_place(sweep: Contest) -> None:
    sweep.run("trial 0", 0.8, seed=0)
    sweep.run("trial 1", 0.82, seed=1, order=np.random.default_rng(1).permutation(ROWS))
    sweep.run("trial 2", 0.8, seed=2, order=np.random.default_rng(2).permutation(ROWS))
    ranking = with_correction(sweep.store, sweep.ranking())
    order = [int(run.name.split()[1]) for run in ranking.ranked]
    shares = (0.8, 0.82, 0.8)
    said = [said_by(shares[seed], seed) for seed in order]
    best = order[0]  # rows are in the order of the best run
    at = np.random.default_rng(best).permutation(ROWS) if best else np.arange(ROWS)
    expected = corrected(LABELS[at], [one[at] for one in said], 2, "accuracy")
    assert ranking.corrected == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("other", ["no parent", "another sweep", "another test set"])
def test_only_trials_of_the_same_sweep_on_the_same_rows_count(sweep: Contest, other: str) -> None:
    sweep.run("trial 0", 0.9, seed=0)
    sweep.run("trial 1", 0.8, seed=1)
    sweep.run("trial 2", 0.8, seed=2)
    alone = with_correction(sweep.store, sweep.ranking())
    given: dict[str, Any] = {
        "no parent": {"parent": None},
        "another sweep": {"parent": "f" * 32},
        "another test set": {"texts": "other"},
    }[other]
    sweep.run("stranger", 0.75, seed=3, **given)
    ranking = with_correction(sweep.store, sweep.ranking())
    assert (ranking.trials, ranking.selected, ranking.corrected) == (3, alone.selected, alone.corrected)


def test_a_best_run_of_no_sweep_is_not_corrected(sweep: Contest) -> None:
    sweep.run("alone", 0.95, parent=None)
    sweep.run("trial 1", 0.8, seed=1)
    sweep.run("trial 2", 0.8, seed=2)
    ranking = with_correction(sweep.store, sweep.ranking())
    assert (ranking.selected, ranking.corrected, ranking.trials) == (None, None, None)


def test_a_sweep_of_one_trial_chose_nothing(sweep: Contest) -> None:
    sweep.run("trial 0", 0.9)
    assert with_correction(sweep.store, sweep.ranking()) == sweep.ranking()


def test_a_trial_without_predictions_makes_the_correction_impossible(sweep: Contest) -> None:
    """Leaving it out would say that it was not among those chosen from."""
    sweep.run("trial 0", 0.9)
    sweep.run("trial 1", 0.8, seed=1, stored=False)
    sweep.run("trial 2", 0.8, seed=2)
    assert with_correction(sweep.store, sweep.ranking()).corrected is None


def test_a_metric_that_labels_do_not_decide_is_not_corrected(sweep: Contest) -> None:
    sweep.run("trial 0", 0.9)
    sweep.run("trial 1", 0.8, seed=1)
    ranking = with_correction(sweep.store, sweep.ranking("log_loss"))
    assert (ranking.selected, ranking.corrected, ranking.trials) == (None, None, None)


def test_very_many_trials_are_not_read(sweep: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep.run("trial 0", 0.9)
    sweep.run("trial 1", 0.8, seed=1)
    monkeypatch.setattr(workflow, "_TRIALS", 1)
    assert with_correction(sweep.store, sweep.ranking()).trials is None


def ties(ranking: Ranking) -> dict[str, bool | None]:
    return {run.name: ranking.tied.get(run.run_id) for run in ranking.ranked}


def test_rivals_that_cannot_be_told_from_the_best_are_marked_tied(sweep: Contest) -> None:
    sweep.run("best", 0.9, seed=1)
    sweep.run("near", 0.9, seed=2)
    sweep.run("far", 0.6, seed=3)
    sweep.run("elsewhere", 0.85, seed=1, texts="other")
    sweep.run("silent", 0.87, seed=1, stored=False)
    ranking = sweep.ranking()
    found = with_ties(sweep.store, ranking, ranking.ranked[1:])
    first = ranking.ranked[0].name
    near = {"best": "near", "near": "best"}[first]
    assert ties(found) == {first: True, near: True, "far": False, "elsewhere": None, "silent": None}
    assert found.ranked == ranking.ranked


def test_only_the_rivals_that_were_asked_for_are_tested(sweep: Contest) -> None:
    sweep.run("one", 0.9, seed=1)
    sweep.run("two", 0.8, seed=2)
    sweep.run("three", 0.5, seed=3)
    ranking = sweep.ranking()
    assert ties(with_ties(sweep.store, ranking, ranking.ranked[1:2]))["three"] is None


def test_without_rivals_on_the_same_rows_nothing_is_marked(sweep: Contest) -> None:
    sweep.run("best", 0.95)
    sweep.run("elsewhere", 0.9, texts="other")
    ranking = sweep.ranking()
    assert with_ties(sweep.store, ranking, ranking.ranked[1:]) == ranking
    assert with_ties(sweep.store, ranking, []) == ranking


def test_a_best_run_without_predictions_is_tied_with_nobody_known(sweep: Contest) -> None:
    sweep.run("best", 0.95, stored=False)
    sweep.run("next", 0.9)
    ranking = sweep.ranking()
    assert with_ties(sweep.store, ranking, ranking.ranked[1:]).tied == {}


def test_a_metric_without_a_test_marks_only_the_best(sweep: Contest) -> None:
    """These predictions have no scores, so their log loss cannot be tested."""
    sweep.run("best", 0.95)
    sweep.run("next", 0.9, seed=1)
    ranking = sweep.ranking("log_loss")
    assert ties(with_ties(sweep.store, ranking, ranking.ranked[1:])) == {"best": True, "next": None}


START = datetime(2025, 6, 1, tzinfo=UTC)


def made(number: int, **metrics: float) -> RunRecord:
    started = START + timedelta(minutes=number)
    return RunRecord(f"{number:032x}", f"r{number}", "finished", "1", started=started, metrics=metrics)


def test_of_the_tied_the_preferred_comes_first_and_what_has_no_number_last() -> None:
    seconds = (3.0, float("nan"), 1.0, None, 2.0, 0.1)
    runs = [
        made(i, accuracy=0.9 - i / 100, **({} if value is None else {"fit_seconds": value}))
        for i, value in enumerate(seconds)
    ]
    ranking = replace(rank(runs, "accuracy"), tied={run.run_id: True for run in runs[:5]} | {runs[5].run_id: False})
    assert [run.name for run in preferring(ranking, "fit_seconds").ranked] == ["r2", "r4", "r0", "r1", "r3", "r5"]
    assert [run.name for run in preferring(ranking, "accuracy").ranked] == ["r0", "r1", "r2", "r3", "r4", "r5"]


def test_only_runs_within_reach_of_the_best_can_be_tied() -> None:
    """Twice the distance to its own limit: 0.88, at most as many as asked for."""
    values = (0.9, 0.895, 0.881, 0.87)
    runs = [made(i, accuracy=value, accuracy_low=value - 0.01, accuracy_high=1.0) for i, value in enumerate(values)]
    ranking = rank(runs, "accuracy")
    assert [run.name for run in may_tie(ranking, 50)] == ["r1", "r2"]
    assert [run.name for run in may_tie(ranking, 1)] == ["r1"]
    unlimited = rank([made(i, accuracy=value) for i, value in enumerate(values)], "accuracy")
    assert [run.name for run in may_tie(unlimited, 50)] == ["r1", "r2", "r3"]
