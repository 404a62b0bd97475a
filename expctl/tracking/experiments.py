"""The experiments of a store: listed once, then known by name and by id. Knows no runs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from expctl.errors import RunNotFound, closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.tracking.readers.protocol import Experiment, Reader


class Experiments:
    """What a reader tells of experiments: a server takes 0.1 s to answer where it asks for a password."""

    def __init__(self, reader: Reader | None) -> None:
        self._reader = reader
        self._listed: Sequence[Experiment] | None = None
        self._names: dict[str, str] = {}

    def every(self, *, now: bool = False) -> Sequence[Experiment]:
        """All of them, deleted ones too: as they are `now`, or as they were when they were last asked for."""
        if self._listed is None or now:
            self._listed = [] if self._reader is None else self._reader.experiments()
            self._names = {one.experiment_id: one.name for one in self._listed}
        return self._listed

    def id_of(self, name: str) -> str | None:
        """The id of an experiment; None if there is none of that name, now.

        Raises RunNotFound, with the command that brings it back, if it has been deleted.
        """
        listed_before = self._listed is not None
        found = self._named(name)
        if listed_before and (found is None or found.deleted):  # another may have made it since, or brought it back
            self._listed = None
            found = self._named(name)
        if found is not None and found.deleted:
            again = shlex.join(["expctl", "experiments", name, "--restore"])
            raise RunNotFound(f"experiment {name!r} has been deleted", hint=again)
        return None if found is None else found.experiment_id

    def ids_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The ids of several experiments. Raises RunNotFound, with the closest name, if there is none of a name."""
        found = [(name, self.id_of(name)) for name in names]
        missing = next((name for name, one in found if one is None), None)
        if missing is not None and self._reader is not None:
            raise RunNotFound(f"no experiment {missing!r}{self.closest(missing)}", hint="expctl experiments")
        return tuple(one for _, one in found if one is not None)

    def name_of(self, experiment_id: str) -> str:
        """The name of an experiment, deleted or not; its id where nobody knows the name."""
        if experiment_id not in self._names:
            self._listed = None
            self.every()
        return self._names.setdefault(experiment_id, experiment_id)

    def closest(self, name: str) -> str:
        """`, did you mean 'c'?` for the most similar name, or an empty string."""
        return closest(name, [one.name for one in self.every() if not one.deleted])

    def _named(self, name: str) -> Experiment | None:
        return next((one for one in self.every() if one.name == name), None)
