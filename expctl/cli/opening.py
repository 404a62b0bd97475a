"""The store of a reading command, opened, and where its pages are; what there is to tell of that goes to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expctl.cli.streams import Streams
    from expctl.settings import Settings
    from expctl.tracking.store import Store


def opened(settings: Settings, streams: Streams, *, verbose: bool) -> Store:
    """The store of the settings. With `verbose`, says why it is not read directly where it could have been."""
    from expctl.tracking.store import open_store

    store = open_store(settings, verbose=verbose)
    if verbose and store.aside is not None:
        streams.note(store.aside)
    return store


def tell_page(store: Store, streams: Streams, experiment_id: str, run_id: str | None = None) -> None:
    """Tell where an experiment or a run can be looked at, if the store is a server."""
    from expctl.tracking.reachable import page, server_of

    server = server_of(store.settings.tracking_uri)
    if server is not None:
        streams.note(f"page: {page(server, experiment_id, run_id)}")
