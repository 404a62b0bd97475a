"""A program's run, made again: the same command in the same folder, and what comes out held against the record."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.analysis.reproduction import judge, program_metrics
from expctl.errors import DataError, RunNotFound, Undecided, UsageError, mask_secrets
from expctl.metrics import METRICS, is_detail
from expctl.programs.arguments import HIDDEN
from expctl.records import Tag
from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import TagValue
from expctl.tracking.runs.metadata import RunMetadata
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.writer import RunWriter
from expctl.training.data.stored import digest_of
from expctl.workflows import reproduce_checks
from expctl.workflows.program_request import ProgramRequest
from expctl.workflows.program_sources import data_path, requirements_of
from expctl.workflows.run import Context, check_program, known_before, record_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.reproduction import Deviation, Reproduction
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_TOLD: Final = 200  # characters of a command that an error names


@dataclass(frozen=True)
class OriginalProgram:
    """A program's run that can be made again: what was asked for, and what came out; `predictions` if it made some."""

    run: RunRecord
    request: ProgramRequest
    predictions: RunPredictions | None
    metrics: Mapping[str, float]


def original_program(store: Store, run: RunRecord, *, trust: bool) -> OriginalProgram:
    """What a program's run is reproduced from.

    Raises RunNotFound for a sweep, for one of several runs that a program made, and for one that is not complete;
    DataError unless `trust`; UsageError where its command held a secret; Undecided where there is nothing to compare.
    """
    where = f"run {run.described}"
    if Tag.SWEEP in run.tags:
        best = run.tags.get(Tag.BEST_RUN, "RUN")[:8]
        raise RunNotFound(f"{where} is a sweep: its trials are what was run", hint=f"expctl reproduce {best}")
    if Tag.PARENT in run.tags and not run.trial:
        parent = run.tags[Tag.PARENT][:8]
        raise RunNotFound(f"{where} is a part of what its program did", hint=f"expctl reproduce {parent}")
    request = ProgramRequest.of(run)
    line = shlex.join(request.command)
    if not trust:
        shown = line if len(line) <= _TOLD else line[:_TOLD] + "..."
        raise DataError(f"{where} is that of a program: {shown}", hint="--trust runs it again, as the store has it")
    reproduce_checks.check_complete(run)
    if HIDDEN in line:
        raise UsageError(
            f"the command of {where} held a secret, which was not recorded", hint="type it again: expctl run -- ..."
        )
    predictions, metrics = read_predictions(store, run), run.metrics
    if Tag.ADOPTED in run.tags:  # which the program has not made, nor what was computed of them
        predictions, metrics = None, {key: one for key, one in metrics.items() if not _computed(key, metrics)}
    if predictions is None and not program_metrics(metrics, {}):
        raise Undecided(f"{where} has no metrics or predictions to compare", hint="expctl help run")
    return OriginalProgram(run, replace(request, metadata=_metadata(run)), predictions, metrics)


def _computed(key: str, metrics: Mapping[str, float]) -> bool:
    return key in METRICS or (is_detail(key, metrics) and key.rpartition("_")[0] in METRICS)


def _metadata(run: RunRecord) -> RunMetadata:
    note = f"reproduces {run.label} ({run.run_id})"
    return RunMetadata(note=note, data_version=run.tags.get(Tag.DATA_VERSION))


def folder_of(run: RunRecord) -> Path:
    """The folder to run it in: that of its repository where it was run, the current one where it had none.

    Raises DataError where there is no such folder.
    """
    named, root = run.tags.get(Tag.GIT_FOLDER, ""), provenance.repository()
    if Tag.GIT_COMMIT not in run.tags or (root is None and not named):
        return Path.cwd()
    folder = None if root is None else (root / named).resolve()
    if root is None or folder is None or not folder.is_dir() or not folder.is_relative_to(root.resolve()):
        raise DataError(f"run {run.described} was run in the folder {named} of its repository, which is not here",
                        hint="change into the repository")  # fmt: skip
    return folder


def reproduce_program(
    store: Store, original: OriginalProgram, context: Context, *, tolerance: float | None = None
) -> tuple[Reproduction, RunRecord]:
    """Run a program again, in the folder of the context, in a new run; compare its predictions and metrics.

    What is not as it was is told to the context before it is run. Raises DataError for data that are other ones, and
    what `run` raises.
    """
    run, request = original.run, original.request
    check_program(request.command[0], context)
    _check_data(original, context)
    suspects = _suspects(store, original, context)
    for one in suspects:
        if one.section == "code":
            then, now = ("none" if value is None else str(value)[:12] for value in (one.then, one.now))
            context.note(f"warning: {one.key}: {then} then, {now} now; nothing is checked out")
    tags, given = known_before(request, context)
    again = record_program(store, request, context, {**tags, Tag.REPRODUCES: run.run_id}, given).run
    judged = judge(
        original.predictions, read_predictions(store, again), original.metrics, again.metrics, None, suspects,
        keys=program_metrics(original.metrics, again.metrics), tolerance=tolerance,
    )  # fmt: skip
    RunWriter(store, again).write([TagValue(Tag.VERDICT, judged.verdict)])
    return judged, again


def _check_data(original: OriginalProgram, context: Context) -> None:
    """Raise DataError where the file of `run --data` is not what it was."""
    path, hashed = original.request.data, original.run.params.get("data_hash")
    if path is None:
        return
    if digest_of(data_path(path, context)) != hashed:
        raise DataError(
            f"{mask_secrets(path)} is not what run {original.run.label} was made from: its sha256 is another",
            hint="restore the file",
        )


def _suspects(store: Store, original: OriginalProgram, context: Context) -> list[Deviation]:
    found = requirements_of(original.request.command[0], context.environment)
    now = provenance.read_requirements((found or "").encode())
    return [
        *reproduce_checks.environment(store, original.run, now, None),
        *reproduce_checks.code(store, original.run),
    ]
