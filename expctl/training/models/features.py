"""The feature parameters: how a text becomes numbers (TF-IDF). A table; imports nothing heavy.

One that came after the first recipes has its default in `recipe.LATER_PARAMETERS` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError
from expctl.parameters import Interval, Options, Parameter, Pattern, WordFile, choice, count, flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import Value

_ROWS_OR_SHARE: Final = (Interval(int, 1), Interval(float, 0, 1))
# Words and characters side by side: two vectorizers, the second with n-grams of its own.
BOTH: Final = "word+char_wb"
# What a feature parameter is called in a family that has one of its name: `norm` of complement naive Bayes.
PREFIX: Final = "tfidf_"

FEATURES: Final = {
    parameter.key: parameter
    for parameter in (
        count("max_features", "max_features", 5000, "keep the most frequent terms only", or_none=True),
        count("ngram_min", "ngram_range", 1, "shortest n-gram"),
        count("ngram_max", "ngram_range", 1, "longest n-gram"),
        Parameter("min_df", "min_df", _ROWS_OR_SHARE, 1, "leave out terms of fewer rows (integer) or a smaller share"),
        Parameter("max_df", "max_df", _ROWS_OR_SHARE, 1.0, "leave out terms of more rows (integer) or a larger share"),
        choice("analyzer", "analyzer", ("word", "char", "char_wb", BOTH), "word", "what n-grams are made of"),
        flag("sublinear_tf", "sublinear_tf", False, "1 + log(count) in place of the count"),
        flag("lowercase", "lowercase", True, "lower-case the text first"),
        Parameter("stop_words", "stop_words", (Options((None, "english")), WordFile()), None, "words to leave out"),
        flag("binary", "binary", False, "1 in place of the count"),
        flag("use_idf", "use_idf", True, "weigh terms by their rarity; false with norm=none: plain counts"),
        flag("smooth_idf", "smooth_idf", True, "add one to the number of rows of each term"),
        choice("norm", "norm", ("l2", "l1", None), "l2", "length that the weights of each text are brought to"),
        choice("strip_accents", "strip_accents", (None, "ascii", "unicode"), None, "take accents off letters"),
        Parameter("token_pattern", "token_pattern", (Pattern(),), r"(?u)\b\w\w+\b", "what a word is"),
        count("char_ngram_min", "ngram_range", 3, f"shortest n-gram of characters, of {BOTH}"),
        count("char_ngram_max", "ngram_range", 5, f"longest n-gram of characters, of {BOTH}"),
    )
}


def check_features(values: Mapping[str, Value]) -> None:
    """Raise UsageError where feature parameters, each valid alone, contradict each other."""
    for prefix in ("", "char_"):
        low, high = values[f"{prefix}ngram_min"], values[f"{prefix}ngram_max"]
        if isinstance(low, int) and isinstance(high, int) and low > high:
            raise UsageError(
                f"{prefix}ngram_min {low} is above {prefix}ngram_max {high}", hint=f"-p {prefix}ngram_max={low}"
            )
    least, most = values["min_df"], values["max_df"]
    if (
        type(least) is type(most)
        and isinstance(least, (int, float))
        and isinstance(most, (int, float))
        and least > most
    ):
        raise UsageError(f"min_df {least} is above max_df {most}", hint="no term can satisfy both; change one of them")
    analyzer = values["analyzer"]
    if values["stop_words"] is not None and analyzer not in ("word", BOTH):
        raise UsageError("stop_words needs analyzer=word", hint="-p stop_words=none")
    needed = {"token_pattern": ("word", BOTH), "char_ngram_min": (BOTH,), "char_ngram_max": (BOTH,)}
    for key, analyzers in needed.items():
        if values[key] != FEATURES[key].default and analyzer not in analyzers:
            raise UsageError(f"{key} needs analyzer={' or '.join(analyzers)}", hint=f"-p analyzer={analyzers[0]}")


def vectorizer_arguments(values: Mapping[str, Value], *, characters: bool = False) -> dict[str, Any]:
    """The arguments of scikit-learn's TfidfVectorizer for these feature parameters; `stop_words` may be a file's path.

    `characters`: of the second vectorizer of `word+char_wb`, which knows no words.
    """
    arguments: dict[str, Any] = {
        parameter.target: values[PREFIX + key if PREFIX + key in values else key]
        for key, parameter in FEATURES.items()
        if parameter.target != "ngram_range"
    }
    ngrams = (values["ngram_min"], values["ngram_max"])
    if characters:
        arguments |= {"analyzer": "char_wb", **{key: FEATURES[key].default for key in ("stop_words", "token_pattern")}}
        ngrams = (values["char_ngram_min"], values["char_ngram_max"])
    elif arguments["analyzer"] == BOTH:
        arguments["analyzer"] = "word"
    return {**arguments, "ngram_range": ngrams}
