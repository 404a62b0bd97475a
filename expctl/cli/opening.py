"""The store of a reading command, opened; what there is to tell of that goes to stderr."""

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
