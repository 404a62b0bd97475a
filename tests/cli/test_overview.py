"""The groups of commands, and what begins: by the tables alone. What is printed is tried in test_app.py."""

from __future__ import annotations

from expctl.cli.overview import ALIASES, GROUPS, first_steps, place


def test_the_most_used_come_first_and_a_command_of_no_group_last():
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))
    assert sorted(names, key=place) == names
    assert place("hello") > place(names[-1])


def test_another_name_is_of_a_command_and_is_none_itself():
    names = {name for group in GROUPS.values() for name in group}
    assert set(ALIASES.values()) <= names
    assert not set(ALIASES) & names


def test_a_store_that_is_there_has_begun(folder):
    assert first_steps() is None
