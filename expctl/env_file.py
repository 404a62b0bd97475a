"""The `.env` of the current folder, which may be a stranger's: that of a cloned repository.

Only variables of a list are taken from it: those that say where a store is and how one logs in there. None of them
names a program, or a file that could name one, and none is taken from the environment into another (`${TOKEN}`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import UsageError
from expctl.wording import agree, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ADDRESS: Final = "MLFLOW_TRACKING_URI"
# How one logs in at a tracking server, by MLflow's variables.
LOGIN: Final = (
    "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)  # fmt: skip
# How one logs in where artifacts are, by the scheme of their address: those that are needed come first.
S3: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
AZURE: Final = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCESS_KEY")
GOOGLE: Final = ("GOOGLE_APPLICATION_CREDENTIALS",)
S3_ENDPOINT: Final = "MLFLOW_S3_ENDPOINT_URL"
# What makes a connection less safe: of `.env` only for an address that it names itself.
_OF_ITS_ADDRESS: Final = ("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_S3_IGNORE_TLS")
_OTHERS: Final = (
    "MLFLOW_WORKSPACE", "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY", "MLFLOW_LOGGING_LEVEL",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE",
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW",
    "MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE", "AWS_DEFAULT_REGION", "AWS_REGION", "GOOGLE_CLOUD_PROJECT",
)  # fmt: skip
TAKEN: Final = frozenset({*LOGIN, *S3, *AZURE, *GOOGLE, S3_ENDPOINT, *_OF_ITS_ADDRESS, *_OTHERS})

_VALUE_OF: Final = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")  # python-dotenv's form
# What files have put into the environment of this process, where it can no longer be told from what was there before.
_PUT: Final[dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a `.env` has given: `taken` by name, `names_store` if the address is among it, `left_out` the others.

    `broken` are the numbers of the lines that say nothing.
    """

    taken: frozenset[str] = frozenset()
    names_store: bool = False
    left_out: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()

    def told(self) -> list[str]:
        """A line on what was left out, and one on what could not be read, where there is such a thing."""
        lines = []
        if self.left_out:
            lines.append(
                f"not taken from .env: {', '.join(self.left_out)} (export what you want; expctl help settings)"
            )
        if self.broken:
            which = f"{agree(len(self.broken), 'line')} {listed([str(one) for one in self.broken])}"
            lines.append(f"warning: .env, {which}: not NAME=value, and not taken")
        return lines


def load_env_file(own: Collection[str], *, store_is_named: bool = False) -> EnvFile:
    """Put what the `.env` of the current folder may give into the environment, where nothing else has set it.

    `own` are the variables of expctl's settings; `store_is_named` says that a flag names the store.
    Raises UsageError for a file that cannot be read.
    """
    if not Path(".env").is_file():
        return EnvFile()
    found, broken = _read(Path(".env"))
    values = {name: value for name, value in found.items() if value is not None}
    here = {name for name, value in os.environ.items() if _PUT.get(name) != value}
    address = ADDRESS in values and ADDRESS not in here and not store_is_named
    allowed = TAKEN.union(own).difference(() if address else _OF_ITS_ADDRESS)
    taken = {name: value for name, value in values.items() if name in allowed and name not in here}
    os.environ.update(taken)
    _PUT.update(taken)
    left_out = tuple(name for name in values if name not in allowed and name not in here)
    return EnvFile(frozenset(taken), address and bool(values[ADDRESS]), left_out, broken)


def _read(path: Path) -> tuple[Mapping[str, str | None], tuple[int, ...]]:
    """The variables, None of those without a value, and the numbers of the lines that are none."""
    import io
    import logging

    from dotenv import dotenv_values

    broken: list[int] = []

    def noticed(record: logging.LogRecord) -> bool:
        """What it says of a line that is none, else on stderr; it counts blank lines above as a part of it."""
        line = int(str(record.args[0])) if isinstance(record.args, tuple) and record.args else 1
        broken.append(next((at for at in range(line, len(lines) + 1) if lines[at - 1].strip()), line))
        return False

    logger = logging.getLogger("dotenv.main")
    logger.addFilter(noticed)
    try:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read .env: {error}", hint="write it in UTF-8, one NAME=value a line") from error
    finally:
        logger.removeFilter(noticed)
    values: dict[str, str | None] = {}
    for name, value in found.items():
        values[name] = value and _expanded(name, value, values)
    return values, tuple(broken)


def _expanded(name: str, value: str, above: Mapping[str, str | None]) -> str:
    """A value with the values of lines above it put in. Raises UsageError for any other variable."""

    def put(found: re.Match[str]) -> str:
        inner = above.get(found[1]) or found[2]
        if inner is None:
            raise UsageError(
                f".env: {name} takes the value of {found[1]}, which stands on no line above it",
                hint="write the value itself; .env gets nothing of your environment",
            )
        return inner

    return _VALUE_OF.sub(put, value)
