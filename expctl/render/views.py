"""From the values of the core to sheets: which columns, in which order. Rounds nothing and prints nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from expctl.analysis.columns import usual_metrics
from expctl.analysis.run_values import ATTRIBUTES, value_of, varying_parameters
from expctl.data_issues import DATA_ISSUES
from expctl.metrics import METRICS, is_detail, usual_metrics_of
from expctl.records import MACHINE, Tag
from expctl.render.sheet import FIRST_TO_GO, Brief, Cell, Column, Setting, Sheet, Size
from expctl.render.text import digits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from expctl.analysis.ranking import Ranking
    from expctl.analysis.spread import Spread
    from expctl.records import RunRecord

_LOGGED_NONE = "None"  # what a store holds where one types none
_RUN_ID = Column("run_id", "run", "id", width=8)
_KINDS: Mapping[str, Column] = {
    "run_id": _RUN_ID,
    "started": Column("started", kind="time"),
    "ended": Column("ended", kind="time"),
    "duration": Column("duration", kind="duration"),
    f"tags.{Tag.STAGE}": Column("stage"),
}
_STAGE = f"tags.{Tag.STAGE}"
_LIST = ("run_id", "name", "status", "started")
_COUNTS = ("trials_finished", "trials_failed")  # metrics of a sweep
# Parameters that always differ with the data, or change no model, and would crowd out what people chose.
_CONSEQUENCES = frozenset(
    {
        *("data_hash", "data_fingerprint", "dataset_size", "train_rows", "test_rows", "test_data_hash"),
        *("extra_metric", "extra_metric_hash", "stop_words_hash", *DATA_ISSUES),
    }
)


def runs_sheet(
    runs: Sequence[RunRecord],
    *,
    columns: Sequence[str] | None,
    total: int | None,
    wide: bool = False,
    experiments: bool = False,
    named: bool = True,
) -> Sheet:
    """`list`: the chosen columns, or the usual ones, how sweeps stand, and every parameter in which the runs differ.

    Of these, what has the most values comes first, and the last are spare unless the list is to be `wide`, with whole
    texts; so are columns that nobody `named`, which vary. The usual ones have the `experiments` of runs where these are
    several.
    """
    early: Counter[str] = Counter()  # how spare the usual ones are
    spare: list[str] = [] if named else [name for name in columns or () if name not in ("run_id", "name")]
    if columns is None:
        varying = [key for key in chosen_parameters(runs) if not _is_of_sweeps(key)]
        varying.sort(key=lambda key: -len({run.params.get(key) for run in runs}))
        spare = [f"params.{key}" for key in varying]
        sweeps = [run for run in runs if Tag.SWEEP in run.tags]
        standing = dict.fromkeys(
            key for run in sweeps for key in run.metrics if key.startswith(("best_", "trials_finished"))
        )
        usual = ("experiment", *_LIST) if experiments else _LIST
        if any(_stage(run) for run in runs):
            usual = (*usual, _STAGE)
        metrics = usual_metrics(runs)
        columns = [*usual, *metrics, *sorted(standing, reverse=True), *spare]
        first = {metrics[0], next((name for name in metrics if name.startswith("metrics.")), "")}
        early.update(dict.fromkeys({"trials_finished", *metrics} - first, FIRST_TO_GO))
    names = list(dict.fromkeys(columns))
    built = [replace(_column(name, runs), spare=0 if wide else 1 if name in spare else early[name]) for name in names]
    if wide:
        built = [replace(one, width=None) if one.kind == "text" else one for one in built]
    return Sheet(
        "runs",
        _told_apart(built, names),
        list(zip(*(_cells(runs, name) for name in names), strict=True)),
        ids=[run.run_id for run in runs],
        total=total,
        wide=wide,
    )


def chosen_parameters(runs: Sequence[RunRecord]) -> list[str]:
    """The parameters in which runs differ by what people chose, not by the data alone."""
    return [key for key in varying_parameters(runs) if key not in _CONSEQUENCES]


def _is_of_sweeps(key: str) -> bool:
    return key in ("sampler", "metric", "trials") or key.startswith("space.")


def _told_apart(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    """The columns, by full names where short ones meet (params.c, metrics.c): a JSON object has a key once."""
    keys = [column.key for column in columns]
    return [
        column if keys.count(column.key) == 1 else replace(column, key=name)
        for column, name in zip(columns, names, strict=True)
    ]


def _cells(runs: Sequence[RunRecord], name: str) -> list[Cell]:
    """A column: what the runs have under a name."""
    if name == _STAGE:
        return [_stage(run) for run in runs]
    values: list[Cell] = [value_of(run, name) for run in runs]
    if name in _COUNTS:
        return [_counted(name, value) for value in values]
    key = name.removeprefix("params.")
    if name not in ATTRIBUTES and any(key in run.params for run in runs) and not name.startswith(("metrics.", "tags.")):
        return settings(values)
    return values


def _counted(name: str, value: Cell) -> Cell:
    """The value of a metric, whole where it is a count of trials: MLflow keeps reals."""
    return int(value) if name in _COUNTS and isinstance(value, float) and math.isfinite(value) else value


def _stage(run: RunRecord) -> str | None:
    """What a run is doing; None of one that has ended."""
    return run.tags.get(Tag.STAGE) if run.status == "running" else None


def _column(name: str, runs: Sequence[RunRecord]) -> Column:
    key = "run_id" if name == "id" else name
    if key in _KINDS:
        return _KINDS[key]
    bare = key.removeprefix("params.").removeprefix("metrics.")
    values = [value for run in runs if (value := value_of(run, name)) is not None]
    numeric = bool(values) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return Column(bare, kind="number" if numeric else "text")


def ranking_sheet(ranking: Ranking, *, experiments: bool = False) -> Sheet:
    """`best`: rank, mark of a tie, run, the metric with its limits if it has some, and the parameters that vary.

    With the `experiments` of the runs where these are several.
    """
    metric, runs = ranking.metric, list(ranking.ranked)
    limits = [key for key in (f"{metric}_low", f"{metric}_high") if any(key in run.metrics for run in runs)]
    usual = dict.fromkeys(key for run in runs for key in usual_metrics_of(run.task))
    others = [key for key in usual if key != metric and any(key in run.metrics for run in runs)]
    models = ["model"] if any("model" in run.params for run in runs) else []
    parameters = [*models, *(key for key in chosen_parameters(runs) if key != "model")]
    parameters.sort(key=lambda key: -len({run.params.get(key) for run in runs}))
    tested = len(ranking.tied) > 1
    columns = [
        Column("rank", "#", "number"),
        *([Column("tied", "≈", "mark")] if tested else []),
        *([Column("experiment")] if experiments else []),
        _RUN_ID,
        Column("name"),
        Column(metric, kind="number"),
        *(Column(key, key.removeprefix(f"{metric}_"), "number") for key in limits),
        *(Column(key, kind="number", spare=FIRST_TO_GO) for key in others),
        *(replace(_column(f"params.{key}", runs), spare=True) for key in parameters),
        Column("started", kind="time", spare=FIRST_TO_GO),
    ]
    names = [
        "rank",
        *(["tied"] if tested else []),
        *(["experiment"] if experiments else []),
        "run_id",
        "name",
        metric,
        *limits,
        *others,
        *(f"params.{key}" for key in parameters),
    ]
    chosen = list(zip(*(settings(run.typed_params.get(key) for run in runs) for key in parameters), strict=True))
    rows: list[list[Cell]] = [
        [
            place,
            *([ranking.tied.get(run.run_id)] if tested else []),
            *([run.experiment] if experiments else []),
            run.run_id,
            run.name,
            *(run.metrics.get(key) for key in (metric, *limits, *others)),
            *(chosen[place - 1] if parameters else ()),
            run.started,
        ]
        for place, run in enumerate(runs, 1)
    ]
    facts = {"selected": ranking.selected, "corrected": ranking.corrected, "trials": ranking.trials}
    return Sheet(
        "ranking",
        _told_apart(columns, [*names, "started"]),
        rows,
        facts={key: value for key, value in facts.items() if value is not None},
        ids=[run.run_id for run in runs],
    )


_METRIC_COLUMNS = tuple(Column(key, kind="number") for key in ("low", "high", "cv_mean", "cv_std"))


def metric_rows(run: RunRecord) -> list[list[Cell]]:
    """["metrics", key, value, low, high, cv_mean, cv_std] for each metric, those of the table first."""
    present = run.metrics
    keys = [key for key in METRICS if key in present] + sorted(key for key in present if key not in METRICS)
    folds = {f"cv_{key}_mean" for key in keys}
    return [
        [
            "metrics",
            key,
            _counted(key, present[key]),
            *(present.get(name) for name in (f"{key}_low", f"{key}_high", f"cv_{key}_mean", f"cv_{key}_std")),
        ]
        for key in keys
        if not is_detail(key, present) and key not in folds
    ]


def trained_sheet(run: RunRecord) -> Sheet:
    """`train`: which run it became, and its metrics with 95% limits and what cross-validation said."""
    columns = [Column("section", kind="section"), Column("metric"), Column("value", kind="number"), *_METRIC_COLUMNS]
    return Sheet(
        "trained",
        columns,
        metric_rows(run),
        facts={"run": run.name, "run_id": run.run_id},
        ids=[run.run_id],
        objects=("metrics",),
    )


def setting(value: Cell, digits: int | None = None) -> Cell:
    """A parameter's value as a cell, as one types it; reals as they were written, or with so many digits in tables."""
    if value == _LOGGED_NONE:
        return Brief("none", _LOGGED_NONE)
    return Setting(value, digits) if isinstance(value, float) else value


def settings(values: Iterable[Cell]) -> list[Cell]:
    """Values of one parameter, to be set side by side: with no more digits than it takes to tell them apart."""
    values = list(values)
    digits = digits_of(values)
    return [setting(value, digits) for value in values]


def run_sheet(
    run: RunRecord,
    *,
    command: str | None,
    artifacts: Sequence[tuple[str, int | None]],
    spreads: Sequence[Spread] = (),
) -> Sheet:
    """`show`: everything of one run, in sections; of a set over random states mean and standard deviation over it."""
    head: dict[str, Cell] = {
        "run_id": run.run_id,
        "name": run.name,
        "status": run.status,
        "stage": _stage(run),
        "experiment": run.experiment,
        "started": run.started,
        "duration": run.duration,
        "reason": run.tags.get(Tag.REASON),
        "reproduces": run.tags.get(Tag.REPRODUCES),
        "verdict": run.tags.get(Tag.VERDICT),
        "note": run.tags.get(Tag.NOTE),
        "artifact_uri": run.artifact_uri,
        "command": command,
    }
    data = {key: value for key, value in run.typed_params.items() if key.startswith(("data", "test_data"))}
    data.update({key: run.typed_params[key] for key in ("train_rows", "test_rows", *DATA_ISSUES) if key in run.params})
    parameters = {key: value for key, value in run.typed_params.items() if key not in data}
    environment = {key: run.tags[key] for key in MACHINE if key in run.tags}
    environment.update({key: run.tags[key] for key in (Tag.VERSION, Tag.HOST) if key in run.tags})
    tags = {key: value for key, value in run.user_tags.items() if key not in environment}
    empty: list[Cell] = [None] * len(_METRIC_COLUMNS)
    rows: list[list[Cell]] = [["run", key, value, *empty] for key, value in head.items() if value not in (None, "")]
    rows += metric_rows(run)
    for one in spreads:
        if METRICS[one.metric].is_quality_metric:
            rows.append(["set", f"{one.metric}_mean", one.mean, *empty])
            rows.append(["set", f"{one.metric}_sd", one.deviation, *empty])
    for title, part in (
        ("parameters", parameters),
        ("data", data),
        ("tags", tags),
        ("environment", environment),
    ):
        rows += [[title, key, setting(value), *empty] for key, value in part.items()]
    warnings = [*run.warnings, *([run.needs_trust] if run.needs_trust else [])]
    rows += [["warnings", str(number), line, *empty] for number, line in enumerate(warnings, 1)]
    rows += [["artifacts", path, None if size is None else Size(size), *empty] for path, size in artifacts]
    columns = [
        Column("section", kind="section"),
        Column("key", width=None),
        Column("value", width=None, kept=True),
        *_METRIC_COLUMNS,
    ]
    return Sheet("run", columns, rows, ids=[run.run_id], objects=("metrics",))
