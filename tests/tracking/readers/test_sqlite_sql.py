"""Expressions and orders as SQL: never anything but 0 or 1, and values always bound."""

from __future__ import annotations

from tests.tracking.recorded import store_of


def test_values_are_bound_and_never_read_as_sql(runs):
    store = store_of(runs)
    for hostile in ("x' OR '1'='1", "x'; DROP TABLE runs; --", 'x" OR 1=1', "?", ":a", "%", "\\"):
        literal = f'"{hostile}"' if "'" in hostile else f"'{hostile}'"
        for condition in (f"name = {literal}", f"name in ({literal})", f"tags.`{hostile.replace('`', '')}` = 'x'"):
            assert store.find(condition) == []
    assert len(store.find()) == 4
