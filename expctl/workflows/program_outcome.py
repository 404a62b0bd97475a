"""What a program left: its output, files, metrics.json and predictions, as log items. Reads files; writes no run."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.programs.placeholders import RUN_DIR
from expctl.tracking.runs.items import Folder, MetricValue, Param
from expctl.tracking.runs.metadata import OWN_FILES, check_file_name, check_key
from expctl.tracking.runs.predicted import predicted
from expctl.training.data.tables import check_file, kind_of, read_bytes, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from expctl.records import RunRecord
    from expctl.tracking.runs.items import Item
    from expctl.training.data.predictions_table import PredictionColumns, PredictionsTable
    from expctl.workflows.program_request import ProgramRequest

METRICS_FILE: Final = "metrics.json"
_SAME: Final = 1e-4  # of two values of a metric: printed with four digits they are the same
_BYTES: Final = 10_000_000  # of a metrics.json


@dataclass(frozen=True, slots=True)
class Before:
    """The files that a program may write, as they were before it began, by path: None of one that was not there."""

    stamps: Mapping[Path, tuple[int, int, int] | None]

    @classmethod
    def of(cls, *paths: Path) -> Before:
        """The files as they are now."""
        return cls({path: _stamp(path) for path in paths})

    def written(self, path: Path) -> bool:
        """Whether a file is there that was not, or not so."""
        now = _stamp(path)
        return now is not None and now != self.stamps.get(path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def files(
    request: ProgramRequest, folder: Path, scratch: Path, note: Callable[[str], None], *, own: bool = False
) -> Iterator[Folder]:
    """The files that the globs of a request mean, copied to `scratch`, by their paths below `folder`.

    Of the run's `own` folder, which is gone afterwards, all without a glob; those called like files of expctl's are
    then recorded below run_dir. What cannot be recorded is told to `note`, and left out.
    """
    copied = 0
    for pattern in request.artifacts or (("*",) if own else ()):
        paths = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
        chosen = [file for path in paths for file in _below(folder / path)]
        if not chosen and request.artifacts:
            note(f"warning: --artifact {pattern}: no such file")
        for file in chosen:
            name = file.relative_to(folder)
            if name.parts[0] in OWN_FILES and own:
                name = Path(RUN_DIR, name)
            if name.parts[0] in OWN_FILES:
                note(f"warning: {name} is not recorded: expctl records a file of that name")
                continue
            try:
                for part in name.parts:
                    check_file_name("", part)
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, scratch / name)
            except UsageError:
                note(f"warning: {str(name)!r} is not recorded: a name with a line end, a control character or no UTF-8")
                continue
            except OSError as error:
                note(f"warning: cannot record {name}: {error.strerror}")
                continue
            copied += 1
    if copied:
        yield Folder(scratch)


def _below(path: Path) -> Iterator[Path]:
    """The regular files of a path, links not followed out of their folder."""
    if path.is_dir() and not path.is_symlink():
        for one in sorted(path.iterdir()):
            yield from _below(one)
    elif path.is_file():
        yield path


def metrics_file(path: Path, note: Callable[[str], None]) -> Iterator[MetricValue]:
    """The numbers of a metrics.json; those of objects within by `outer.inner`, those of lists as steps.

    A file that is none is told to `note`.
    """
    try:
        check_file(str(path))
        if path.stat().st_size > _BYTES:
            raise ValueError(f"more than {_BYTES:,} bytes")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError("not an object")
    except (DataError, OSError, ValueError, RecursionError) as error:
        note(f"warning: {path.name} is not read: {error}")
        return
    for key, value in _flat(found):
        values = value if isinstance(value, list) else [value]
        for step, one in enumerate(values):
            if isinstance(one, bool) or not isinstance(one, (int, float)):
                continue
            if not _is_finite(one):
                note(f"warning: {path.name}: {key} is no number to compare; it is left out")
                continue
            try:
                check_key("metric", key)
            except UsageError as error:
                note(f"warning: {path.name}: {error}")
                break
            yield MetricValue(key, float(one), step)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float holds
        return False


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def predictions(
    path: Path,
    columns: PredictionColumns,
    run: RunRecord,
    note: Callable[[str], None],
    data: str | None = None,
) -> Iterator[Item]:
    """The items of a predictions file for a run (see `evidence_of`), whose rows are of its `data`.

    Raises DataError for a file that is malformed.
    """
    from expctl.training.data.predictions_table import read_predictions_table

    table = read_predictions_table(read_bytes(str(path)), path.name, columns)
    return evidence_of(table if data is None else _placed(table, data, run, note), run, note)


def _placed(table: PredictionsTable, data: str, run: RunRecord, note: Callable[[str], None]) -> PredictionsTable:
    """The predictions with the numbers of their rows in the data file of a run, where these can be told."""
    from expctl.training.data.file_rows import rows_in

    try:
        content = read_bytes(data)
        digest = hashlib.sha256(content).hexdigest()
        if digest != run.params.get("data_hash"):
            return table
        rows = rows_in(read_table(content, kind_of(data), encoding="utf-8", name=data), table)
    except DataError:
        return table  # it is whatever the program reads
    if rows is not None:
        return replace(table, rows=rows, source=digest)
    if table.task == "regression":
        note(f"the test rows are not found in {Path(data).name}, and so not in runs of train: expctl help predictions")
    return table


def evidence_of(
    table: PredictionsTable, run: RunRecord, note: Callable[[str], None], content: bytes | None = None
) -> Iterator[Item]:
    """The items of predictions (see `predicted`) for a run, whose own metrics and parameters stay.

    What the run says otherwise than its predictions is told to `note`, and gets no limits, which would not be of its
    value; so are predictions of which none is a label.
    """
    if table.task == "classification" and (strange := _strangers(table)) is not None:
        note(f"warning: {strange}: is it the right column?")
    if "test_rows" not in run.params:
        yield Param("test_rows", len(table.hashes))
    otherwise: set[str] = set()
    for one in predicted(table, content):
        if not isinstance(one, MetricValue):
            yield one
        elif one.key in run.metrics:
            own = run.metrics[one.key]
            if not abs(own - one.value) <= _SAME * max(abs(own), abs(one.value)):
                note(f"warning: {one.key} is {own:.4g} by the program and {one.value:.4g} by its predictions")
                otherwise |= {f"{one.key}_low", f"{one.key}_high"}
        elif one.key not in otherwise:
            yield one


def _strangers(table: PredictionsTable) -> str | None:
    """What is told of predictions of which none is a label; None where one is."""
    sides = [sorted(set(map(str, values))) for values in (table.predictions.labels, table.predictions.predicted)]
    if not set(sides[0]).isdisjoint(sides[1]):
        return None
    labels, found = (", ".join([*(name[:40] for name in one[:5]), *(["..."] if len(one) > 5 else [])]) for one in sides)
    return f"no prediction is one of the labels ({labels}; {found})"


def check_written(before: Before, path: Path) -> None:
    """Raise DataError for a predictions file that the program did not write."""
    if before.written(path):
        return
    what = "is there, but was not written by the program" if path.exists() else "was not written by the program"
    raise DataError(f"{path.name} {what}", hint="expctl help predictions")
