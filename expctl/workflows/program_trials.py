"""The trials of a sweep of programs: each is what `run` makes of the command at its point, in a thread of its own.

A thread hears no signal: what stops the sweep pulls the leashes of the programs, and their runs are recorded whole.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from expctl.errors import Stopped, StoreError, mask_secrets
from expctl.metrics import higher_is_better
from expctl.programs.leash import Leash
from expctl.records import Tag
from expctl.tracking import uris
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.writer import Abandoned, Pruned
from expctl.tracking.store import Store, open_store
from expctl.training.search.pruners import Pruner
from expctl.training.search.samplers import PrunedAt
from expctl.workflows.run import record_program, said_params

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.errors import TrainingFailed
    from expctl.programs.output import Reading
    from expctl.records import RunRecord
    from expctl.settings import Settings
    from expctl.tracking.runs.items import Item
    from expctl.training.search.samplers import Trial
    from expctl.workflows.program_request import ProgramRequest
    from expctl.workflows.program_sources import Sources
    from expctl.workflows.run import Context
    from expctl.workflows.sweep_board import Board

_WAITS: Final = (2, 4, 8, 16, 32)  # seconds: of a server that is away for a minute nothing is noticed
_INSISTING: Final = 5  # signals, the first of which asks the programs to end and the others use force


@dataclass(frozen=True)
class ProgramTask:
    """One program to be run as a trial."""

    request: ProgramRequest
    number: int
    name: str | None
    tags: dict[str, str]
    leash: Leash


@dataclass(frozen=True)
class ProgramDone:
    """What became of a program: its run, its value of the metric; `error` is the store's, which ends the sweep."""

    run_id: str
    value: float | PrunedAt | None
    error: StoreError | None = None


@dataclass
class ProgramTrials:
    """What all programs of a sweep have in common."""

    context: Context
    sources: Sources
    metric: str
    pool: ProgramPool
    pruner_name: str | None = None
    pruner: Pruner | None = field(init=False)
    computes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        name = self.pruner_name
        self.pruner = None if name is None else Pruner(name, higher_is_better=higher_is_better(self.metric))

    @property
    def work(self) -> Callable[[ProgramTrials, ProgramTask], ProgramDone]:
        """What a thread does."""
        return run_trial

    def items(self) -> list[Item]:
        """What the parent run has of the data and of the code."""
        return list(self.sources.items())

    def recorder(self, board: Board) -> ProgramRecorder:
        """Who keeps the trials."""
        return ProgramRecorder(board, self)

    def command(self, request: ProgramRequest) -> str:
        """The command that does by itself what a trial does."""
        return request.line()


def run_trial(shared: ProgramTrials, task: ProgramTask) -> ProgramDone:
    """Run a program as a run of its own. Raises ExpctlError if it does not end well."""
    heard = None if shared.pruner is None else _Judge(shared, task)
    note = _Note(shared.context.note, task.number)
    context = replace(shared.context, input=False, terminal=False, leash=task.leash, heard=heard, note=note)
    given = [*said_params(task.request, context), *shared.sources.items()]
    pruner, number = shared.pruner, task.number
    try:
        run = record_program(
            _opened(context.settings, task.leash), task.request, context, task.tags, given, name=task.name
        ).run
    except Pruned as pruned:
        assert pruner is not None
        assert heard is not None
        pruner.end(number, None, pruned=True)
        return ProgramDone("", PrunedAt(pruned.step, heard.last))
    except BaseException as error:
        if pruner is not None:
            pruner.end(number, None)
        if isinstance(error, StoreError):
            return ProgramDone("", None, error)
        if isinstance(error, KeyboardInterrupt):
            raise Abandoned("the program was interrupted") from error
        raise
    value = run.metrics.get(shared.metric)
    if pruner is not None:
        pruner.end(number, value)
    return ProgramDone(run.run_id, value)


def _opened(settings: Settings, leash: Leash) -> Store:
    """The store, for the thread that asks. Raises StoreError where it stays away: it is not made anew."""
    for seconds in (*_WAITS, None):
        try:
            if uris.check(settings.tracking_uri, create=False):
                return open_store(settings)
            raise StoreError(f"the store at {mask_secrets(settings.tracking_uri)} is gone", hint="bring it back")
        except StoreError:
            if seconds is None or leash.woken.wait(seconds):
                raise
    raise AssertionError("the last attempt returns or raises")


@dataclass(frozen=True)
class _Note:
    """Hands on what is warned of one trial; what else is told of a run is in its record."""

    note: Callable[[str], None]
    number: int

    def __call__(self, text: str) -> None:
        if text.startswith("warning: "):
            self.note(f"{text} (trial {self.number})")


@dataclass
class _Judge:
    """Hears the values of one trial, and stops it where the pruner says so."""

    shared: ProgramTrials
    task: ProgramTask
    last: float | None = None  # with which it was stopped

    def __call__(self, reading: Reading) -> None:
        shared = self.shared
        if self.last is not None or reading.key != shared.metric or shared.pruner is None:
            return
        if shared.pruner.report(self.task.number, reading.step, reading.value):
            self.last = reading.value
            told = f"pruned at step {reading.step}, {shared.metric} {reading.value:.4g} (--prune {shared.pruner_name})"
            self.task.leash.pull(Pruned(told, reading.step))


class ProgramPool:
    """Programs, so many at once, each watched by a thread of this process."""

    scratch = None

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._threads: dict[Future[Any], threading.Thread] = {}

    def warm(self, modules: tuple[str, ...]) -> None:
        """Nothing to do: programs import for themselves."""

    def share(self, value: Any) -> None:
        """Keep what all tasks read."""
        self._shared = value

    def submit(self, work: Callable[[Any, Any], Any], task: Any) -> Future[Any]:
        """Have `work(shared, task)` done by a thread."""
        future: Future[Any] = Future()

        def done() -> None:
            try:
                future.set_result(work(self._shared, task))
            except BaseException as error:
                future.set_exception(error)

        thread = threading.Thread(target=done, daemon=True)
        with defer_signals():
            thread.start()
            self._threads[future] = thread
        return future

    def done(self, futures: set[Future[Any]]) -> set[Future[Any]]:
        """Wait until some of the futures are done, and give these."""
        finished = wait(futures, return_when=FIRST_COMPLETED).done
        for future in finished:
            self._threads.pop(future).join()
        return finished

    def join(self, insisted: Callable[[], None]) -> None:
        """Wait until no program runs. `insisted` is called when another signal comes meanwhile; after a few of them
        nothing is waited for any more.
        """
        for _ in range(_INSISTING):
            try:
                for thread in self._threads.values():
                    thread.join()
                return
            except (KeyboardInterrupt, Stopped):
                insisted()

    def close(self) -> None:
        """Nothing to do: who ends a sweep waits for its programs."""


@dataclass
class ProgramRecorder:
    """Notes what became of the programs, each of which has written its run by itself."""

    board: Board
    shared: ProgramTrials
    running: dict[int, Leash] = field(default_factory=dict)

    def known(self, trial: Trial[ProgramRequest]) -> tuple[bool, float | PrunedAt | None]:
        """Whether this program has been run to its end, or pruned, in this sweep before, and its value."""
        board, pruner = self.board, self.shared.pruner
        run = board.finished.get(trial.made.to_json(self.shared.context.secrets))
        if run is None:
            return False, None
        value = run.metrics.get(board.plan.metric)
        pruned = Tag.PRUNED in run.tags
        if pruner is not None:
            points = board.store.reader.history(run.run_id, board.plan.metric)
            pruner.replay(trial.number, ((one.step, one.value) for one in points), value, pruned=pruned)
        if not pruned:
            board.note(trial, run.run_id, value)
            return True, value
        at = PrunedAt(_number(run), value)
        board.progress.ended += 1
        board.progress.pruned += 1
        return True, at

    def begin(self, trial: Trial[ProgramRequest]) -> ProgramTask:
        """What a thread is to do."""
        leash = self.running[trial.number] = Leash()
        return ProgramTask(trial.made, trial.number, self.board.name_of(trial), self.board.tags_of(trial), leash)

    def finish(self, trial: Trial[ProgramRequest], result: ProgramDone) -> None:
        """A program has ended well, or was pruned."""
        del self.running[trial.number]
        if result.error is not None:
            raise result.error
        if isinstance(result.value, PrunedAt):
            self.board.pruned_now(trial, result.value)
        else:
            self.board.finished_now(trial, result.run_id, result.value)

    def close(self) -> None:
        """Nothing is left to do when all have ended."""

    def stop(self, error: BaseException) -> None:
        """Stop the programs that run when `error` ends the sweep, and wait until their runs are recorded."""
        cause = Abandoned("the sweep ended before it") if isinstance(error, Exception) else error

        def pull() -> None:
            for leash in self.running.values():
                leash.pull(cause)

        pull()
        self.shared.pool.join(pull)

    def fail(self, trial: Trial[ProgramRequest], error: TrainingFailed) -> None:
        """A program failed."""
        del self.running[trial.number]
        self.board.failed_now(trial, error.message)


def _number(run: RunRecord) -> int:
    text = run.tags[Tag.PRUNED]
    return int(text) if text.lstrip("-").isdecimal() else 0
