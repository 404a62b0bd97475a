"""How one thread stops the program that another one waits for."""

from __future__ import annotations

import threading


class Leash:
    """By which a program is stopped from another thread, before it begins, too: as it is by a signal to our command."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self._causes: list[BaseException] = []

    def pull(self, cause: BaseException) -> None:
        """Ask the program to end, for a cause; a second time by force."""
        self._causes.append(cause)
        self.woken.set()

    def pulled(self) -> BaseException | None:
        """The cause of the last pull that nobody has asked for yet."""
        self.woken.clear()
        return self._causes.pop() if self._causes else None
