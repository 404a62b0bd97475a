"""`expctl ui`: MLflow's pages of the store, in a browser. Owns its arguments and both streams."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import Annotated

import typer

from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, piped, stdout_is_ours
from expctl.settings import load_settings


def ui(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, metavar="N", help="Default: 5000, or a free one.")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="NAME", help="Address to listen on (0.0.0.0: all interfaces).")
    ] = "127.0.0.1",
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, open no browser.")] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Start MLflow's UI on the store, at the experiment's page. Prints the address, opens it; stop it with Ctrl-C."""
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.tracking.ui_server import serving
    from expctl.tracking.uris import page, server_of

    streams = Streams(quiet=quiet)
    store = opened(settings, streams, verbose=verbose)
    store.reader  # noqa: B018 (raises where there is no store: MLflow would make one)
    experiment_id = store.experiment_id()
    if experiment_id is None:
        streams.note(f"there is no experiment {settings.experiment!r} yet")
    address = server_of(settings.tracking_uri)
    if address is not None:
        _show(page(address, experiment_id), no_open=no_open)
        return
    with ExitStack() as running:
        with streams.stages() as stage:
            stage("starting MLflow's server")
            address, server = running.enter_context(serving(settings, host, port, verbose=verbose))
        _show(page(address, experiment_id), no_open=no_open)
        streams.note("stop it with Ctrl-C")
        server.wait()


def _show(address: str, *, no_open: bool) -> None:
    with piped():
        sys.stdout.write(f"{address}\n")
    if not no_open and sys.stdout.isatty() and _on_desktop():
        import webbrowser

        with stdout_is_ours():
            webbrowser.open(address)


def _on_desktop() -> bool:
    """Whether there is a screen before which somebody sits, not one at the other end of a remote shell."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


COMMANDS = [Entry("ui", ui, topic="mlflow")]
