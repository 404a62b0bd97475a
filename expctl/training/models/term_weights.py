"""What each term says for each class, of classifiers that weigh terms. Reads fitted pipelines; fits nothing.

How a family's classifier weighs terms is said in the table of families, by the name of a function here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from expctl.analysis.importance import Term
from expctl.errors import RunNotFound
from expctl.training.data.text import vectorizers_of
from expctl.training.models.families import FAMILIES, of_class
from expctl.training.models.steps import final_estimator, is_from_factory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True)
class TermWeights:
    """`weights` of terms, shape (classes, terms): the higher, the more a term speaks for a class.

    `kind` says what the weights are, `made_of` what each term is made of, as `analyzer` has it.
    """

    kind: str
    classes: Sequence[str]
    terms: Sequence[str]
    made_of: Sequence[str]
    weights: np.ndarray

    def top(self, name: str, most: int) -> list[Term]:
        """The terms that speak most for a class, the strongest first; none that do not speak for it."""
        import numpy as np

        row = self.weights[self.classes.index(name)]
        order = np.lexsort((np.arange(len(row)), -row))[:most]
        return [Term(self.terms[i], float(row[i]), self.made_of[i]) for i in order.tolist() if row[i] > 0]


def check_weighs(model: str) -> None:
    """Raise RunNotFound, with the reason, for a model of which it is known by its name that it weighs no terms."""
    family = FAMILIES.get(model)
    if family is not None and not family.weighs:
        reason = family.weighs_not or "its classifier has no weight of a term for a class"
        raise RunNotFound(f"{model} does not say which terms speak for a class: {reason}", hint=_hint())


def term_weights(pipeline: Any) -> TermWeights:
    """The weights of a fitted pipeline. Raises RunNotFound, with the reason, for one that has none, or none we know."""
    vectorizers = vectorizers_of(pipeline)
    if not vectorizers or is_from_factory(pipeline):
        raise RunNotFound("a model of your own is of unknown parts: its terms cannot be told", hint=_hint())
    classifier = final_estimator(pipeline)
    family = of_class(type(classifier))
    if family is None:
        raise RunNotFound(f"a {type(classifier).__name__} is of no family that is known here", hint=_hint())
    if not family.weighs:
        check_weighs(next(name for name, one in FAMILIES.items() if one is family))
    kind, weights = resolve_name(family.weighs)(classifier)
    terms = [(term, made_of) for made_of, one in vectorizers.items() for term in one.get_feature_names_out().tolist()]
    names, kinds = zip(*terms, strict=True)
    return TermWeights(kind, list(map(str, classifier.classes_)), names, kinds, weights)


def _hint() -> str:
    return f"those of {', '.join(name for name, one in FAMILIES.items() if one.weighs)} can be told"


def coefficients(classifier: Any) -> tuple[str, np.ndarray]:
    """Of a linear model: its coefficients, for the first of two classes with their signs turned."""
    import numpy as np

    found = np.atleast_2d(classifier.coef_)  # of ridge and two classes it has one dimension
    return "coefficient", np.concatenate([-found, found]) if len(found) == 1 else found


def likelihood_ratios(classifier: Any) -> tuple[str, np.ndarray]:
    """Of multinomial naive Bayes: the logarithm of how much likelier a term is in the class than in the others."""
    import numpy as np

    joint = classifier.feature_log_prob_ + classifier.class_log_prior_[:, None]
    rows = []
    for i in range(len(joint)):
        others = np.arange(len(joint)) != i
        in_others = np.logaddexp.reduce(joint[others], axis=0) - np.logaddexp.reduce(
            classifier.class_log_prior_[others]
        )
        rows.append(classifier.feature_log_prob_[i] - in_others)
    return "log likelihood ratio", np.array(rows)


def complement_weights(classifier: Any) -> tuple[str, np.ndarray]:
    """Of complement naive Bayes: the weight of a term for the class, less its mean for the other classes."""
    found = classifier.feature_log_prob_
    others = (found.sum(axis=0) - found) / (len(found) - 1)
    return "weight above the other classes'", found - others
