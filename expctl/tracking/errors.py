"""What MLflow, SQLite and the libraries below them raise, as errors of ours: one line, no secret, an exit code."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from expctl import compat
from expctl.errors import DataError, RunNotFound, Stopped, StoreError, mask_secrets
from expctl.tracking.uris import is_server, older_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from expctl.records import RunRecord
    from expctl.settings import Settings


@contextmanager
def store_errors(settings: Settings) -> Iterator[None]:
    """Turn what MLflow and the libraries below it raise into errors of ours: one line, no secret, an exit code."""
    outer = sys.exception()
    try:
        yield
    except Exception as error:
        cause = _stop_behind(error, outer) or _ours(error, settings)
        if cause is None:
            raise
        raise cause from error


def _ours(error: Exception, settings: Settings) -> Exception | None:
    """What to raise for an error of MLflow or of a library below it; None for any other."""
    uri = mask_secrets(settings.tracking_uri)
    if _is(error, "mlflow.exceptions", "MlflowException"):
        return _translation(error, uri)
    if _is(error, "sqlalchemy.exc", "SQLAlchemyError"):
        return StoreError(f"the store {uri} failed: {reason(error)}", hint=remedy(str(error)))
    if isinstance(error, UnicodeDecodeError):  # what SQLite says of a damaged file, with the damage in it
        return StoreError(f"the store {uri} is damaged", hint=remedy("malformed"))
    if isinstance(error, ModuleNotFoundError):  # the driver of a database
        return StoreError(f"the store {uri} needs the Python package {error.name}", hint=f"install {error.name}")
    if isinstance(error, OSError):  # requests' exceptions are OSErrors too
        return StoreError(f"the store {uri} failed: {reason(error)}", hint="check free space and permissions")
    if is_server(settings.tracking_uri) and _in_mlflow(error):  # whatever its reading of JSON stumbled over
        return StoreError(
            f"the store {uri} failed: its answer is not MLflow's ({type(error).__name__})",
            hint="is it the address of an MLflow server?",
        )
    if type(error).__module__.partition(".")[0] in ("boto3", "botocore"):  # no base class, seldom installed
        return StoreError(
            f"S3, where the store {uri} has its artifacts, failed: {reason(error)}",
            hint="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and MLFLOW_S3_ENDPOINT_URL",
        )
    return None


def _is(error: Exception, module: str, name: str) -> bool:
    """Whether an error is of a class of another package. Its module is not imported for that: whoever raised it did."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(error, kind)


def _in_mlflow(error: BaseException) -> bool:
    """Whether MLflow raised an error, or what it called, and not code of ours that called it last."""
    raised = ""
    trace = error.__traceback__
    while trace is not None:
        owner = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        raised = owner if owner in ("mlflow", "expctl") else raised
        trace = trace.tb_next
    return raised == "mlflow"


def _stop_behind(error: BaseException, outer: BaseException | None) -> BaseException | None:
    """The signal that interrupted what then raised `error`; None if none did. `outer` was being handled before.

    A library that a signal interrupts may fail on its way out: SQLAlchemy says that its transaction is closed.
    """
    link: BaseException | None = error
    while link is not None and link is not outer:
        if isinstance(link, (KeyboardInterrupt, Stopped)):
            return link
        link = link.__context__
    return None


def lacks_endpoint(error: Any) -> bool:
    """Whether an MlflowException says that the server has no such call: an older MLflow, or another program's.

    A server that answers in JSON has the call, and says by a code of its own what it did not find. MLflow has a code
    for 404 and 501 without JSON, and none for 405.
    """
    unknown = _NO_CALL.search(str(error))
    return error.error_code in ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED") or unknown is not None


def reason(error: BaseException) -> str:
    """The line of an error that tells its cause, without secrets: mostly the first."""
    lines: Sequence[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(_NO_CAUSE)] or [type(error).__name__]
    call = _CALL.fullmatch(told[0]) or _ENDLESS.fullmatch(told[0])
    refused = _NO_JSON.match(told[0])
    if refused:
        return f"{refused[1]} was answered with {refused[2]}"
    return mask_secrets(f"{call[2]} (at {call[1]})" if call else told[0])


_NO_CAUSE: Final = "(raised as a result of Query-invoked autoflush"
# MLflow names the address four times before it comes to what happened.
_CALL: Final = re.compile(
    r"API request to \S*?(/mlflow\S*) failed with exception .*\(Caused by (?:ResponseError\(['\"])?(.*?)(?:['\"]\))?\)"
)


_ENDLESS: Final = re.compile(r"API request to \S*?(/mlflow\S*) failed with exception (its answer .*)")  # bounded_calls
_NO_JSON: Final = re.compile(r"API request to endpoint (\S+) failed with error code (\d+) ")  # what follows is a page
_NO_CALL: Final = re.compile(r"^API request to endpoint \S+ failed with error code 405 ")


def _translation(error: Any, uri: str) -> Exception:
    text = reason(error)
    code = error.error_code
    if "migrate-filestore" in str(error):
        return StoreError(
            f"{uri} is MLflow's old file store, which MLflow no longer serves",
            hint="mlflow migrate-filestore copies it into an SQLite store, or set MLFLOW_ALLOW_FILE_STORE=true",
        )
    if "out-of-date database schema" in str(error):
        return _other_schema(str(error), uri)
    if lacks_endpoint(error):
        return StoreError(f"the store {uri} lacks what this takes: {text}", hint="expctl help servers")
    if code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
        return RunNotFound(text, hint="expctl list")
    if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return StoreError(
            f"the store {uri} refused: {text}",
            hint="check MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN",
        )
    return StoreError(f"the store {uri} failed: {text}", hint=remedy(str(error)))


def _other_schema(text: str, uri: str) -> StoreError:
    """The error for a schema that is not the installed MLflow's: a later MLflow's if this one has never heard of it."""
    migrations = compat.migrations() / "versions"
    found = re.search(r"found version ([0-9a-f]+)\b", text)
    if found is None or any(migrations.glob(f"{found[1]}_*.py")):
        return older_schema(uri)
    return StoreError(
        f"the store {uri} has a newer schema than the installed MLflow", hint="pip install --upgrade mlflow"
    )


def remedy(text: str) -> str | None:
    """What to do about a database that fails with this text; None where nobody knows."""
    if "locked" in text:
        return "another process is writing to it; try again"
    if "readonly" in text or "unable to open" in text:
        return "is the folder writable?"
    if "Max retries exceeded" in text or "its answer " in text:
        return "is the server running?"
    if "malformed" in text or "not a database" in text:
        return "it is damaged: restore it from a backup, or move it away"
    if "disk is full" in text or "No space" in text:
        return "free some space"
    if "already exists" in text or "duplicate column" in text or "no such table" in text:
        return "expctl doctor"  # its making, or an upgrade of it, was cut short
    return None


def damaged(run: RunRecord, what: str, cause: str = "") -> DataError:
    """The error for a file of a run that is not what it should be, with the cause where that is known."""
    told = f"{what} of run {run.described} is damaged"
    return DataError(f"{told}: {cause}" if cause else told, hint=f"expctl show {run.run_id[:8]}")
