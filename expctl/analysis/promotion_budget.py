"""How sure a promotion has to be: the risk of a false one, spent over all the decisions in the history of an alias.

A test set that decides again and again promotes by luck sooner or later: of 50 candidates as good as the champion one
looks significantly better in two of five histories. So each decision gets a share of one risk, and the shares of all
decisions that will ever be made add up to it. Values in, values out: knows no registry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from expctl.analysis.gate import Decision

RISK: Final = 0.05  # of one false promotion or more in a history, however long


@dataclass(frozen=True, slots=True)
class Budget:
    """What of the risk is left after so many `decisions`, the present one among them."""

    decisions: int

    @property
    def share(self) -> float:
        """The risk that the latest decision may take, one-sided.

        RISK / (k (k + 1)) of the k-th: 2.5 % of the first, as a 95 % interval has it on either side, 0.8 % of the
        second; all of them, without end, add up to RISK. By their sum no history has a greater risk, however
        the candidates depend on each other (Bonferroni). To spend one risk over looks of unknown number: Lan and DeMets
        1983, Biometrika 70. tests/simulation/promotions.py compares it with other ways, and with the Ladder.
        """
        return _share(self.decisions)

    @property
    def left(self) -> float:
        """The risk that all later decisions share."""
        return RISK / (self.decisions + 1)

    @property
    def p_value(self) -> float:
        """Below which a two-sided p-value has to be for the latest decision to promote."""
        return 2 * self.share

    @property
    def next_p_value(self) -> float:
        """The same of the decision to come."""
        return 2 * _share(self.decisions + 1)

    def __str__(self) -> str:
        return f"decision {self.decisions:,} of its history, {percent(self.left)} of the {percent(RISK)} risk left"


def _share(decision: int) -> float:
    return RISK / (decision * (decision + 1))


def percent(share: float) -> str:
    """A share of a risk in percent, to two digits."""
    return f"{share * 100:.2g} %"


def within(budget: Budget, decision: Decision, p_value: float) -> Decision:
    """The decision, undecided where it would pass and the p-value takes more of the risk than its share."""
    if decision.outcome != "pass" or p_value < budget.p_value:
        return decision
    told = (
        f"{decision.reason}, taken by itself; as decision {budget.decisions:,} of its history it needs p below"
        f" {budget.p_value:.2g} (p is {p_value:.2g})"
    )
    return replace(decision, outcome="undecided", reason=told)
