"""Which rows a challenger broke and which it fixed, and how sure both models were. Pure; knows rows by number only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from expctl.analysis.predictions import Pairing, RunPredictions

FlipKind = Literal["broken", "fixed", "larger error", "smaller error"]


@dataclass(frozen=True, slots=True)
class Flip:
    """A test row that one model has right and the other wrong. `confidence` is the challenger's in what it says, 0 to
    1 for probabilities, unbounded for decision scores, None without scores.

    Of regression a row whose absolute error is another; `change` is by how much."""

    kind: FlipKind
    row: int
    label: str | float
    baseline: str | float
    challenger: str | float
    confidence: float | None
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Flips:
    """Counts of paired rows, and the flips: broken before fixed, most confident first.

    Of regression (`measured`) rows with a larger error count as `broken`, with a smaller one as `fixed` and with the
    same as `both_right`; those whose error changed most come first.
    """

    fixed: int
    broken: int
    both_wrong: int
    both_right: int
    rows: Sequence[Flip]
    measured: bool = False


def find_flips(challenger: RunPredictions, pairing: Pairing, *, most: int | None = None) -> Flips:
    """What changed between a baseline (first of the pairing) and a challenger (second); of each kind at most `most`."""
    import numpy as np

    if pairing.task == "regression":
        return _changed_errors(challenger, pairing, most)
    before = pairing.first_predicted == pairing.labels
    after = pairing.second_predicted == pairing.labels
    confidence = _confidence(challenger)
    found: list[Flip] = []
    for kind, chosen in (("broken", before & ~after), ("fixed", after & ~before)):
        positions = np.flatnonzero(chosen)
        rows = challenger.rows[pairing.second[positions]]
        sure = np.zeros(len(positions)) if confidence is None else confidence[pairing.second[positions]]
        for i in np.lexsort((rows, -sure))[:most]:
            at = positions[i]
            found.append(
                Flip(
                    "broken" if kind == "broken" else "fixed",
                    int(rows[i]),
                    pairing.classes[pairing.labels[at]],
                    pairing.classes[pairing.first_predicted[at]],
                    pairing.classes[pairing.second_predicted[at]],
                    None if confidence is None else float(sure[i]),
                )
            )
    return Flips(
        fixed=int((after & ~before).sum()),
        broken=int((before & ~after).sum()),
        both_wrong=int((~before & ~after).sum()),
        both_right=int((before & after).sum()),
        rows=found,
    )


def _changed_errors(challenger: RunPredictions, pairing: Pairing, most: int | None) -> Flips:
    import numpy as np

    before, after = (abs(said - pairing.labels) for said in (pairing.first_predicted, pairing.second_predicted))
    change, rows = after - before, challenger.rows[pairing.second]
    larger, smaller = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
    found: list[Flip] = []
    for positions in (larger, smaller):
        for at in positions[np.lexsort((rows[positions], -abs(change[positions])))][:most]:
            numbers = (pairing.labels[at], pairing.first_predicted[at], pairing.second_predicted[at])
            label, one, other = map(float, numbers)
            kind: FlipKind = "larger error" if change[at] > 0 else "smaller error"
            found.append(Flip(kind, int(rows[at]), label, one, other, None, float(change[at])))
    same = len(pairing) - len(larger) - len(smaller)
    return Flips(len(smaller), len(larger), 0, same, found, measured=True)


def _confidence(run: RunPredictions) -> np.ndarray | None:
    """The score of what was predicted: the highest one, or the distance from the boundary."""
    import numpy as np

    if run.scores is None:
        return None
    return np.abs(run.scores[:, 0]) if run.scores.shape[1] == 1 else run.scores.max(axis=1)  # type: ignore[no-any-return]
