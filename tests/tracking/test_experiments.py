"""The experiments of a store: asked for once, and again where somebody else may have changed them."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound
from expctl.tracking.experiments import Experiments
from expctl.tracking.readers.protocol import Experiment


class Told:
    """A reader that tells of these experiments, and counts how often it is asked."""

    def __init__(self, *known: Experiment) -> None:
        self.known = list(known)
        self.asked = 0

    def experiments(self) -> list[Experiment]:
        self.asked += 1
        return list(self.known)


@pytest.fixture
def told() -> Told:
    return Told(Experiment("1", "mine"), Experiment("2", "yours"), Experiment("3", "gone", deleted=True))


def test_what_is_there_is_asked_for_once(told):
    found = Experiments(told)
    assert (found.id_of("mine"), found.ids_of(["yours", "mine"]), found.name_of("3")) == ("1", ("2", "1"), "gone")
    assert told.asked == 1


def test_what_another_process_has_made_meanwhile_is_found(told):
    found = Experiments(told)
    assert (found.id_of("new"), told.asked) == (None, 1)
    told.known.append(Experiment("4", "new"))
    assert (found.id_of("new"), found.name_of("4")) == ("4", "new")
    told.known[2] = Experiment("3", "gone")
    assert found.id_of("gone") == "3"


def test_a_deleted_one_is_told_with_the_command_that_brings_it_back(told):
    with pytest.raises(RunNotFound, match="'gone' has been deleted") as raised:
        Experiments(told).ids_of(["mine", "gone"])
    assert raised.value.hint == "expctl experiments gone --restore"


def test_of_several_each_must_be_there(told):
    with pytest.raises(RunNotFound) as raised:
        Experiments(told).ids_of(["mine", "your"])
    assert raised.value.message == "no experiment 'your', did you mean 'yours'?"
    assert raised.value.hint == "expctl experiments"


def test_an_id_without_a_name_and_a_store_that_is_not_there_are_no_error(told):
    found = Experiments(told)
    assert [found.name_of("99"), found.name_of("99"), found.name_of("1")] == ["99", "99", "mine"]
    assert told.asked == 1
    nothing = Experiments(None)
    assert (nothing.every(), nothing.id_of("mine"), nothing.ids_of(["mine"])) == ([], None, ())
