"""Fitted trees as a hostile file could hold them."""

from __future__ import annotations


def bend(tree, **changes):
    """A fitted tree whose nodes were changed, as a hostile file could hold them: {field: (node, value)}."""
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    for field, (node, value) in changes.items():
        nodes[field][node] = value
    tree.__setstate__({**state, "nodes": nodes})
