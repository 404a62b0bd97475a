"""Who gets which credentials: a store that the project's `.env` names gets those of that file, none of the person's.

A cloned repository would else have its server sent the token that lies in the environment for another one. Knows
variables and the files that MLflow and its HTTP library read; sends nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from expctl.env_file import AZURE, GOOGLE, LOGIN, S3, S3_ENDPOINT
from expctl.errors import StoreError, mask_secrets
from expctl.tracking import uris

if TYPE_CHECKING:
    from expctl.settings import Settings

# By the scheme of an artifact location: who is logged in to, by which variables, of which so many are needed.
_CLOUDS: Final = {
    "s3": ("S3", S3, 2),
    **dict.fromkeys(("wasb", "wasbs", "abfss"), ("Azure", AZURE, 1)),
    "gs": ("Google", GOOGLE, 1),
}
_PASSWORD: Final = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
_DATABASE: Final = ("PGPASSWORD", "PGPASSFILE")  # what the driver of PostgreSQL takes where an address has no password


def check_login(settings: Settings) -> None:
    """Raise StoreError where the store that `.env` names would be sent a credential of the person's own."""
    if not settings.env_file.names_store:
        return
    found = _of_the_person(settings)
    if found is not None:
        raise StoreError(
            f".env names the store {mask_secrets(settings.tracking_uri)}, which does not get {found}",
            hint="name a store that you trust yourself, by --tracking-uri or an exported MLFLOW_TRACKING_URI;"
            f" else {_without(found)}",
        )


def _without(found: str) -> str:
    return f"unset {found.split()[0]}" if found.endswith("of your environment") else f"leave it out of {found}"


def _of_the_person(settings: Settings) -> str | None:
    """The credential that the store would be sent although `.env` has not given it."""
    uri = settings.tracking_uri
    if uris.is_server(uri):
        own = _exported(LOGIN, settings)
        if own is not None:
            return own
        if in_netrc(urlsplit(uri).hostname or ""):
            return "the password in .netrc"
        complete = settings.env_file.taken.issuperset(_PASSWORD)  # else MLflow takes what is missing from its file
        if not complete and credentials_file().is_file():
            return f"the password in {credentials_file()}"
    return _exported(_DATABASE, settings) if uri.startswith("postgres") else None


def _exported(names: tuple[str, ...], settings: Settings) -> str | None:
    own = (name for name in names if os.environ.get(name) and name not in settings.env_file.taken)
    return next((f"{name} of your environment" for name in own), None)


def check_location(settings: Settings, address: str) -> None:
    """Raise StoreError for an artifact address at which a credential would be sent to another place than it is for."""
    parts, uri = urlsplit(address), settings.tracking_uri
    if parts.scheme in ("http", "https", "mlflow-artifacts") and parts.netloc:
        store = urlsplit(uri)
        if parts.netloc.rpartition("@")[2] != store.netloc.rpartition("@")[2] or (
            parts.scheme == "http" and store.scheme == "https"
        ):
            raise StoreError(
                f"the files are on another server than the store: {mask_secrets(address)}",
                hint="expctl sends no password there; name that server by --tracking-uri if you trust it",
            )
        return
    if uris.local_folder(address) is not None or parts.scheme in ("file", "mlflow-artifacts"):
        return
    by_project = settings.env_file.names_store and uris.is_server(uri)
    if not (by_project or (parts.scheme == "s3" and S3_ENDPOINT in settings.env_file.taken)):
        return
    cloud, names, needed = _CLOUDS.get(parts.scheme, (parts.scheme, (), 1))
    if len(settings.env_file.taken.intersection(names[:2])) < needed or _exported(names, settings) is not None:
        raise StoreError(
            f"the files are at {mask_secrets(address)}, and .env names the server without credentials for {cloud}",
            hint="export MLFLOW_TRACKING_URI (and MLFLOW_S3_ENDPOINT_URL) yourself if you trust it",
        )


def credentials_file() -> Path:
    """MLflow's own file of a user and a password."""
    return Path(os.environ.get("HOME", "/")) / ".mlflow" / "credentials"


def in_netrc(host: str) -> bool:
    """Whether ~/.netrc has a password for a host, which goes before all others, as MLflow's HTTP library has it."""
    import netrc

    places = [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]
    file = next((path for path in map(Path.expanduser, map(Path, places)) if path.is_file()), None)
    if file is None:
        return False
    try:
        return netrc.netrc(file).authenticators(host) is not None
    except (netrc.NetrcParseError, OSError):
        return False
