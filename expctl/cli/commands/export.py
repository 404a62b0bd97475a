"""`expctl export` and `expctl import`: runs into one archive, and out of it again. Owns arguments and both streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened
from expctl.errors import ExpctlError, RunNotFound, UsageError
from expctl.settings import load_settings
from expctl.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.archive.export import Exported, Exporter
    from expctl.tracking.archive.load import Imported
    from expctl.tracking.store import Store


def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The archive, a zip, atomically.")],
    runs: common.Runs = None,
    filter: common.Filter = "",
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Write runs with all their files into one archive. A sweep comes with its trials; `expctl import` reads it."""
    if not runs and not filter.strip():
        raise UsageError("export: no runs given", hint="expctl export RUN -o FILE, or --filter EXPR")
    _check_new(output)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.archives import exported_sheet
    from expctl.tracking.archive.export import to_export

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    choice = to_export(store, runs or [], filter)
    for run in choice.left_out:
        state = f"is {run.status}" if run.status in ("running", "scheduled") else "was not imported whole"
        streams.note(f"{run.described} {state}, and is left out")
    if not choice.runs:
        raise RunNotFound("there is no ended run to export", hint="expctl list")
    with streams.stages() as stage:
        exporter, done = _write(store, choice.runs, output, stage)
    streams.write(exported_sheet(done), format, settings)
    if exporter.masked:
        streams.note(f"warning: {exporter.masked:,} values held a password, which the archive has as ***")
    for name in exporter.bare:
        streams.note(f"warning: the model {name} has no files")
    size = output.stat().st_size
    streams.note(f"{plural(len(done), 'run')} in {output}, {size:,} bytes")


def _check_new(output: Path) -> None:
    if output.is_dir():
        raise UsageError(f"--output {output} is a folder", hint="name a file")
    if output.exists() or output.is_symlink():
        raise UsageError(f"--output {output} already exists", hint="remove it first, or name another file")


def _write(
    store: Store, runs: Sequence[RunRecord], output: Path, stage: Callable[[str], None]
) -> tuple[Exporter, list[Exported]]:
    from expctl.render.rows import whole_file
    from expctl.tracking.archive.container import writing
    from expctl.tracking.archive.export import Exporter

    try:
        with store.read_by_client(runs), whole_file(output) as stream, writing(stream) as writer:
            exporter = Exporter(store, writer)
            done = exporter.write(runs, stage)
            _check_new(output)
    except OSError as error:
        raise ExpctlError(f"cannot write {output}: {error.strerror}", hint="no partial file was left") from error
    return exporter, done


def import_runs(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of expctl export.")],
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment", "-e", metavar="NAME", help="The experiment for all runs.  [default: as they were]",
            rich_help_panel="Common",
        ),
    ] = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:  # fmt: skip
    """Read the runs of an archive into this store. Those that it has already are passed over."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.archives import imported_sheet
    from expctl.tracking.archive.container import opened_archive
    from expctl.tracking.archive.load import Importer, read_runs
    from expctl.tracking.store import open_store

    streams = Streams(quiet=quiet)
    done: list[Imported] = []
    with opened_archive(archive) as found:
        with streams.stages() as stage:
            found.verify(stage)
            experiments = read_runs(found, experiment)
            store = open_store(settings, create=True, verbose=verbose, note=streams.note)
        try:
            with streams.stages() as stage:
                for run in Importer(store, found).write(experiments, stage):
                    done.append(run)
        finally:
            streams.write(imported_sheet(done), format, settings)
            _tell(streams, done, len(experiments), archive)
    store.refresh_planner_stats()


def _tell(streams: Streams, done: Sequence[Imported], total: int, archive: Path) -> None:
    counts = {result: sum(one.result == result for one in done) for result in ("imported", "already there", "deleted")}
    for one in done:
        if one.result == "deleted":
            streams.note(f"{one.run.label} is here, deleted (undo: expctl restore {one.run.run_id})")
    told = ", ".join(f"{count:,} {result}" for result, count in counts.items() if count)
    if len(done) < total:
        streams.note(f"{len(done):,} of {total:,} runs done; the same command goes on: expctl import {archive}")
    else:
        streams.note(f"{plural(total, 'run')}: {told}" if total else "the archive has no runs")


COMMANDS = [Entry("export", export, topic="archive"), Entry("import", import_runs, topic="archive")]
