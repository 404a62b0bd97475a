"""The feature parameters: how a text becomes numbers (TF-IDF). A table; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError
from expctl.parameters import Interval, Parameter, choice, count, flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import Value

_ROWS_OR_SHARE: Final = (Interval(int, 1), Interval(float, 0, 1))

FEATURES: Final = {
    parameter.key: parameter
    for parameter in (
        count("max_features", "max_features", 5000, "keep the most frequent terms only", or_none=True),
        count("ngram_min", "ngram_range", 1, "shortest n-gram"),
        count("ngram_max", "ngram_range", 1, "longest n-gram"),
        Parameter("min_df", "min_df", _ROWS_OR_SHARE, 1, "leave out terms of fewer rows (integer) or a smaller share"),
        Parameter("max_df", "max_df", _ROWS_OR_SHARE, 1.0, "leave out terms of more rows (integer) or a larger share"),
        choice("analyzer", "analyzer", ("word", "char", "char_wb"), "word", "what n-grams are made of"),
        flag("sublinear_tf", "sublinear_tf", False, "1 + log(count) in place of the count"),
        flag("lowercase", "lowercase", True, "lower-case the text first"),
        choice("stop_words", "stop_words", (None, "english"), None, "words to leave out"),
    )
}


def check_features(values: Mapping[str, Value]) -> None:
    """Raise UsageError where feature parameters, each valid alone, contradict each other."""
    low, high = values["ngram_min"], values["ngram_max"]
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise UsageError(f"ngram_min {low} is above ngram_max {high}", hint=f"-p ngram_max={low}")
    least, most = values["min_df"], values["max_df"]
    if (
        type(least) is type(most)
        and isinstance(least, (int, float))
        and isinstance(most, (int, float))
        and least > most
    ):
        raise UsageError(f"min_df {least} is above max_df {most}", hint="no term can satisfy both; change one of them")
    if values["stop_words"] is not None and values["analyzer"] != "word":
        raise UsageError("stop_words needs analyzer=word", hint="-p stop_words=none")


def vectorizer_arguments(values: Mapping[str, Value]) -> dict[str, Any]:
    """The arguments of scikit-learn's TfidfVectorizer for these feature parameters."""
    arguments: dict[str, Any] = {
        parameter.target: values[key] for key, parameter in FEATURES.items() if parameter.target != "ngram_range"
    }
    return {**arguments, "ngram_range": (values["ngram_min"], values["ngram_max"])}
