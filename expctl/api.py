"""Recorded runs in Python, for notebooks and scripts: what `list`, `show`, `best` and `compare` know, as values.

The same workflows as those of the command line; reads, and writes nothing. Imports what it needs when it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from expctl.errors import RunNotFound, Undecided, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import pandas as pd

    from expctl.analysis.difference import Difference
    from expctl.records import RunRecord, Value
    from expctl.tracking.store import Store


@dataclass(frozen=True, repr=False)
class Run:
    """One recorded run. `params` are numbers and booleans where they were such."""

    _record: RunRecord
    _store: Store = field(compare=False)

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, name={self.name!r}, status={self.status!r})"

    @property
    def id(self) -> str:
        """Its id, 32 hexadecimal digits."""
        return self._record.run_id

    @property
    def name(self) -> str:
        """Its name."""
        return self._record.name

    @property
    def status(self) -> str:
        """`finished`, `failed`, `killed`, `running` or `scheduled`."""
        return self._record.status

    @property
    def experiment(self) -> str:
        """The name of its experiment."""
        return self._record.experiment

    @property
    def started(self) -> datetime | None:
        """When it began."""
        return self._record.started

    @property
    def ended(self) -> datetime | None:
        """When it ended; None while it is running."""
        return self._record.ended

    @property
    def params(self) -> Mapping[str, Value]:
        """Its parameters."""
        return self._record.typed_params

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each of its metrics."""
        return self._record.metrics

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, those of MLflow and expctl too."""
        return self._record.tags

    def predictions(self) -> pd.DataFrame:
        """Its predictions of the test rows: `row`, `text_hash`, `label`, `prediction` and a score column per class.

        Labels are of the type that was recorded: numbers of a run whose labels were numbers, or of a regression.
        Raises RunNotFound for a run without predictions, DataError for a file that has changed since.
        """
        import pandas as pd

        from expctl.tracking.runs.predictions import read_predictions

        found = read_predictions(self._store, self._record)
        if found is None:
            raise RunNotFound(f"run {self._record.described} has no predictions", hint="expctl help predictions")
        sides: dict[str, Any] = {"label": found.labels, "prediction": found.predicted}
        if found.task != "regression":  # then they are positions in the classes
            sides = {key: [found.values[code] for code in codes] for key, codes in sides.items()}
        columns: dict[str, Any] = {"row": found.rows, "text_hash": found.keys.astype(str), **sides}
        if found.scores is not None and found.scores.shape[1] == 1:
            columns["decision"] = found.scores[:, 0]
        elif found.scores is not None:
            before = "proba" if found.score_kind == "probability" else "decision"
            columns |= {f"{before}_{one}": found.scores[:, place] for place, one in enumerate(found.score_classes)}
        return pd.DataFrame(columns)

    def model(self, *, trust: bool = False) -> Any:
        """Its model, ready to predict, under the same rules as of `expctl predict`.

        Raises DataError for one that is damaged or, unless `trust`, not known to be safe; RunNotFound without one.
        """
        from expctl.tracking.models.storage import load_model

        return load_model(self._store, self._record, trust=trust).estimator


class Runs(Sequence[Run]):
    """Several runs, in their order."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, place: int) -> Run: ...
    @overload
    def __getitem__(self, place: slice) -> Runs: ...
    def __getitem__(self, place: int | slice) -> Run | Runs:
        """The run at a place, or the runs of a slice."""
        return Runs(self._runs[place]) if isinstance(place, slice) else self._runs[place]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __repr__(self) -> str:
        return f"Runs({list(self._runs)!r})"

    def frame(self) -> pd.DataFrame:
        """One line a run: id, name, status and times, then `params.KEY` and `metrics.KEY`."""
        import pandas as pd

        rows: list[dict[str, Any]] = [
            {
                "id": one.id, "name": one.name, "status": one.status, "experiment": one.experiment,
                "started": one.started, "ended": one.ended,
                **{f"params.{key}": value for key, value in one.params.items()},
                **{f"metrics.{key}": value for key, value in one.metrics.items()},
            }
            for one in self._runs
        ]  # fmt: skip
        return pd.DataFrame(rows)


def _opened(experiment: str | None, tracking_uri: str | None) -> Store:
    from expctl.settings import load_settings
    from expctl.tracking.store import open_store

    return open_store(load_settings(experiment=experiment, tracking_uri=tracking_uri))


def _reference(run: str | Run) -> str:
    return run.id if isinstance(run, Run) else run


def runs(filter: str = "", *, experiment: str | None, tracking_uri: str | None, limit: int | None) -> Runs:
    """See `expctl.runs`."""
    if limit is not None and limit < 0:
        raise UsageError(f"limit is {limit}: so many runs at most, None for all", hint="expctl.runs(limit=10)")
    store = _opened(experiment, tracking_uri)
    return Runs([Run(one, store) for one in store.find(filter, limit=limit)])


def run(reference: str, *, experiment: str | None, tracking_uri: str | None) -> Run:
    """See `expctl.run`."""
    from expctl.tracking.runs.references import resolve

    store = _opened(experiment, tracking_uri)
    return Run(resolve(store, reference), store)


def best(metric: str | None, *, filter: str, experiment: str | None, tracking_uri: str | None) -> Run:
    """See `expctl.best`."""
    from expctl.workflows.rank import best as ranked

    store = _opened(experiment, tracking_uri)
    return Run(ranked(store, metric, top=1, filter=filter).ranking.ranked[0], store)


def compare(
    baseline: str | Run, challenger: str | Run, *, confidence: float, experiment: str | None, tracking_uri: str | None
) -> dict[str, Difference]:
    """See `expctl.compare`."""
    from expctl.workflows.compare import ComparedRuns, CompareRequest
    from expctl.workflows.compare import compare as compare_runs

    store = _opened(experiment, tracking_uri)
    if not 0.5 <= confidence <= 0.999:
        raise UsageError(f"confidence is {confidence:g}, it must be from 0.5 to 0.999", hint="confidence=0.95")
    asked = CompareRequest([_reference(baseline), _reference(challenger)], confidence=confidence)
    compared = compare_runs(store, asked)
    if not isinstance(compared, ComparedRuns):
        raise Undecided("sets of runs are compared by the command", hint="expctl compare 'old-*' 'new-*'")
    test = compared.tests[0]
    if not test.differences:
        raise Undecided(test.note or "the runs cannot be compared", hint="expctl help compare")
    return dict(test.differences)
