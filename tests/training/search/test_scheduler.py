"""The scheduler alone, with workers and a recorder that are not real: what it asks, tells and runs, and when."""

from __future__ import annotations

import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.errors import DataError, TrainingFailed
from expctl.training.search import scheduler as module
from expctl.training.search.samplers import Proposals, Trial
from expctl.training.search.scheduler import run_trials
from expctl.training.search.space import read_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SPACE = read_space({"c": "log:1e-3..1e3", "tol": "log:1e-6..1e-1"}, {"data": "x.csv"})
FAILS = 5  # this trial does, where one has to


def value_of(number: int) -> float | None:
    return None if number == FAILS else 1 / (1 + (number * 7) % 11)


@dataclass
class Script:
    """Proposals that write down what happens to them: `(ask, n)` and `(tell, n, value)`."""

    count: int
    events: list[tuple[object, ...]] = field(default_factory=list)
    asked: int = 0

    def ask(self) -> Trial | None:
        if self.asked == self.count:
            return None
        self.asked += 1
        self.events.append(("ask", self.asked))
        return Trial(self.asked, {"c": float(self.asked)}, SPACE.at({"c": float(self.asked)}))

    def tell(self, trial: Trial, value: float | None) -> None:
        self.events.append(("tell", trial.number, value))


class Shuffled:
    """Workers whose tasks come back in an order drawn from `source`, one or several at once."""

    def __init__(self, jobs: int, source: random.Random) -> None:
        self.jobs = jobs
        self._source = source
        self._held: dict[Future[Any], tuple[Any, Any]] = {}
        self.most = 0

    def held(self) -> list[Any]:
        """The tasks that have not come back."""
        return [task for _, task in self._held.values()]

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._held[future] = work, task
        self.most = max(self.most, len(self._held))
        return future

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]:
        assert futures == set(self._held)
        ready = self._source.sample(list(self._held), self._source.randint(1, len(self._held)))
        for future in ready:
            work, task = self._held.pop(future)
            try:
                future.set_result(work(None, task))
            except Exception as error:
                future.set_exception(error)
        return set(ready)


@dataclass
class Notebook:
    """A recorder that keeps everything in lists. `before` are the trials that are known, with their values."""

    before: dict[int, float | None] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def known(self, trial: Trial) -> tuple[bool, float | None]:
        return trial.number in self.before, self.before.get(trial.number)

    def begin(self, trial: Trial) -> int:
        self.begun.append(trial.number)
        return trial.number

    def finish(self, trial: Trial, result: Any) -> None:
        self.finished.append(trial.number)
        assert result.value == value_of(trial.number)

    def fail(self, trial: Trial, error: TrainingFailed) -> None:
        self.failed.append((trial.number, error.message))


@dataclass(frozen=True)
class Result:
    """What a worker sends back."""

    value: float | None


def work(_shared: Any, number: int) -> Result:
    if number == FAILS:
        raise TrainingFailed("no convergence", hint="max_iter")
    return Result(value_of(number))


def expected(count: int, window: int) -> list[tuple[object, ...]]:
    """Ask n comes when the trials up to n - window have been told, and no other."""
    events: list[tuple[object, ...]] = []
    for number in range(1, count + 1):
        if number > window:
            events.append(("tell", number - window, value_of(number - window)))
        events.append(("ask", number))
    return events


def up_to_the_last_ask(events: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    asks = [place for place, event in enumerate(events) if event[0] == "ask"]
    return events[: asks[-1] + 1] if asks else []


@given(
    st.integers(1, 20),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sets(st.integers(1, 20)),
    st.randoms(use_true_random=False),
)
def test_ask_n_sees_exactly_the_tells_of_one_to_n_minus_window(count, jobs, window, known, source):
    """Whichever comes back first, however many at once, on any number of workers, and run now or known from before."""
    script = Script(count)
    notebook = Notebook({number: value_of(number) for number in known if number != FAILS})
    run_trials(script, Shuffled(jobs, source), work, notebook, window=window)
    assert up_to_the_last_ask(script.events) == expected(count, window)


@given(st.integers(1, 5), st.sets(st.integers(1, 25)), st.randoms(use_true_random=False))
def test_a_sampler_that_does_not_learn_is_told_nothing(jobs, known, source):
    script = Script(25)
    run_trials(
        script, Shuffled(jobs, source), work, Notebook({number: value_of(number) for number in known}), window=None
    )
    assert script.events == [("ask", number) for number in range(1, 26)]


@given(st.integers(1, 5), st.one_of(st.none(), st.integers(1, 5)), st.sets(st.integers(1, 20)), st.randoms())
def test_every_trial_is_run_once_or_known(jobs, window, known, source):
    before = {number: value_of(number) for number in known if number != FAILS}
    notebook = Notebook(before)
    outcome = run_trials(Script(20), Shuffled(jobs, source), work, notebook, window=window)
    missing = sorted(set(range(1, 21)) - set(before))
    assert notebook.begun == missing
    assert sorted(notebook.finished) == [number for number in missing if number != FAILS]
    assert notebook.failed == [(FAILS, "no convergence")]
    assert (outcome.known, outcome.done, outcome.failed) == (len(before), len(missing) - 1, 1)
    assert not outcome.timed_out


@given(st.integers(1, 5), st.randoms(use_true_random=False))
def test_no_more_trials_run_at_once_than_there_are_workers(jobs, source):
    pool = Shuffled(jobs, source)
    run_trials(Script(20), pool, work, Notebook(), window=None)
    assert pool.most == jobs


@given(st.integers(2, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_no_more_trials_wait_to_be_told_than_the_window_has(jobs, window, source):
    pool = Shuffled(jobs, source)
    run_trials(Script(20), pool, work, Notebook(), window=window)
    assert pool.most == min(jobs, window)


def trials_of(sampler: str, source: random.Random, known: Iterable[int], jobs: int) -> list[Trial]:
    """The trials of a real sampler, for completions in the order that `source` draws."""

    class Kept(Notebook):
        def begin(self, trial: Trial) -> Any:
            seen.append(trial)
            return trial

        def known(self, trial: Trial) -> tuple[bool, float | None]:
            if trial.number in known:
                seen.append(trial)
                return True, score(None, trial).value
            return False, None

        def finish(self, trial: Trial, result: Any) -> None:
            pass

    def score(_shared: Any, trial: Trial) -> Result:
        c = trial.point["c"]
        assert isinstance(c, float)
        return Result(-abs(c - 1))

    seen: list[Trial] = []
    proposals = Proposals(SPACE, sampler, trials=24, seed=9, higher_is_better=True)
    run_trials(proposals, Shuffled(jobs, source), score, Kept(), window=3)
    return seen


def test_tpe_proposes_the_same_trials_in_any_order_of_completion():
    first = trials_of("tpe", random.Random(0), (), 3)
    assert len(first) == 24
    for seed in range(1, 4):
        assert trials_of("tpe", random.Random(seed), (), 3) == first


def test_tpe_proposes_the_same_trials_when_some_are_known_from_before_or_fewer_run_at_once():
    first = trials_of("tpe", random.Random(0), (), 3)
    assert trials_of("tpe", random.Random(1), range(1, 13), 3) == first
    assert trials_of("tpe", random.Random(2), (2, 3, 20), 1) == first


def test_the_first_failure_is_kept_with_its_trial():
    outcome = run_trials(Script(6), Shuffled(1, random.Random(0)), work, Notebook(), window=None)
    assert outcome.first_failure is not None
    trial, error = outcome.first_failure
    assert (trial.number, error.message, error.hint) == (FAILS, "no convergence", "max_iter")


def test_fail_fast_raises_the_first_failure_after_it_is_recorded():
    notebook = Notebook()
    with pytest.raises(TrainingFailed, match="no convergence"):
        run_trials(Script(20), Shuffled(1, random.Random(0)), work, notebook, window=None, fail_fast=True)
    assert notebook.failed == [(FAILS, "no convergence")]
    assert notebook.finished == [1, 2, 3, 4]


def test_fail_fast_begins_nothing_after_the_failure():
    notebook = Notebook()
    with pytest.raises(TrainingFailed):
        run_trials(Script(20), Shuffled(1, random.Random(0)), work, notebook, window=None, fail_fast=True)
    assert notebook.begun == [1, 2, 3, 4, FAILS]


class AllAtOnce(Shuffled):
    """Everything that runs comes back together, the failing task first."""

    def done(self, futures: set[Future[Any]]) -> Any:
        self._source.sample = lambda held, count: held  # type: ignore[method-assign]
        super().done(futures)
        return sorted(futures, key=lambda future: future.exception() is None)


def test_fail_fast_loses_nothing_that_is_done():
    notebook = Notebook()
    with pytest.raises(TrainingFailed):
        run_trials(Script(20), AllAtOnce(FAILS, random.Random(0)), work, notebook, window=None, fail_fast=True)
    assert sorted(notebook.finished) == [1, 2, 3, 4]
    assert notebook.failed == [(FAILS, "no convergence")]
    assert notebook.begun == [1, 2, 3, 4, FAILS]


@given(st.integers(2, 5), st.one_of(st.none(), st.integers(1, 5)), st.randoms(use_true_random=False))
def test_fail_fast_records_whatever_has_come_back(jobs, window, source):
    pool, notebook = Shuffled(jobs, source), Notebook()
    with pytest.raises(TrainingFailed, match="no convergence"):
        run_trials(Script(20), pool, work, notebook, window=window, fail_fast=True)
    assert notebook.failed == [(FAILS, "no convergence")]
    assert sorted([*notebook.finished, FAILS, *pool.held()]) == notebook.begun


def test_an_error_that_is_nobody_s_but_ours_is_raised():
    def broken(_shared: Any, _task: Any) -> None:
        raise ZeroDivisionError("ours")

    notebook = Notebook()
    with pytest.raises(ZeroDivisionError, match="ours"):
        run_trials(Script(3), Shuffled(1, random.Random(0)), broken, notebook, window=None)
    assert notebook.failed == []


def test_what_a_recorder_raises_is_raised():
    class Full(Notebook):
        def finish(self, trial: Trial, result: Any) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_trials(Script(3), Shuffled(1, random.Random(0)), work, Full(), window=None)


def test_other_errors_of_a_user_s_making_fail_their_trial_alone():
    def damaged(_shared: Any, number: int) -> Result:
        if number == 2:
            raise DataError("the file changed", hint="start again")
        return Result(value_of(number))

    notebook = Notebook()
    outcome = run_trials(Script(3), Shuffled(1, random.Random(0)), damaged, notebook, window=None)
    assert notebook.failed == [(2, "the file changed")]
    assert notebook.finished == [1, 3]
    assert outcome.failed == 1


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_when_time_is_up_no_trial_begins_and_those_begun_are_finished(clock):
    def slow(_shared: Any, number: int) -> Result:
        clock[0] += 10
        return Result(value_of(number))

    notebook = Notebook()
    outcome = run_trials(Script(20), Shuffled(2, random.Random(0)), slow, notebook, window=None, timeout=15)
    assert outcome.timed_out
    assert sorted(notebook.finished) == notebook.begun
    assert len(notebook.begun) == outcome.done < 5


def test_time_that_is_not_up_stops_nothing(clock):
    outcome = run_trials(Script(4), Shuffled(2, random.Random(0)), work, Notebook(), window=None, timeout=15)
    assert (outcome.done, outcome.timed_out) == (4, False)


def test_time_that_is_up_after_the_last_trial_cut_nothing_off(clock):
    def slow(_shared: Any, number: int) -> Result:
        clock[0] += 10
        return Result(value_of(number))

    outcome = run_trials(Script(2), Shuffled(1, random.Random(0)), slow, Notebook(), window=None, timeout=15)
    assert outcome.done == 2
    assert not outcome.timed_out


def test_nothing_to_do_is_done():
    outcome = run_trials(Script(0), Shuffled(2, random.Random(0)), work, Notebook(), window=2)
    assert (outcome.done, outcome.known, outcome.failed, outcome.first_failure) == (0, 0, 0, None)
