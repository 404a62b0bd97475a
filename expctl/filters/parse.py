"""The grammar of filters and its parser (Lark, LALR): a text to an expression, or an error that points at a character.

Bounded, whatever it is given: in length, in nesting, in conditions. Texts and names are taken as MLflow takes them:
within quotes nothing is an escape.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from expctl.errors import UsageError
from expctl.filters.expression import EVERY_RUN, And, Condition, Expression, Field, Not, Or

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Lark, Token

    from expctl.filters.expression import FieldKind, Operand, Operator

MOST_CHARACTERS: Final = 100_000
_DEEPEST: Final = 100
_MOST_CONDITIONS: Final = 500  # SQLite takes expressions up to 1,000 deep
EXAMPLE: Final = "--filter \"f1_score > 0.8 and params.model = 'logreg'\""

GRAMMAR: Final = r"""
?start: disjunction
?disjunction: conjunction (OR conjunction)*
?conjunction: negation (AND negation)*
?negation: NOT negation -> negated
         | "(" disjunction ")"
         | condition
condition: field COMPARISON operand
         | field LIKE text
         | field IN values
         | field NOT IN values
         | field IS NULL
         | field IS NOT NULL
         | HAS field
?operand: number | text | field_name
values: "(" item ("," item)* ")"
?item: number | text | field_name
field: FIELD | DOUBLE
field_name: FIELD
number: NUMBER
text: (SINGLE | DOUBLE)+

AND.2: /and(?![\w.])/i
OR.2: /or(?![\w.])/i
NOT.2: /not(?![\w.])/i
IN.2: /in(?![\w.])/i
IS.2: /is(?![\w.])/i
NULL.2: /null(?![\w.])/i
HAS.2: /has(?![\w.])/i
LIKE.2: /i?like(?![\w.])/i
COMPARISON: /==|!=|<=|>=|=|<|>/
NUMBER: /[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?(?![\w.])/i
SINGLE: /'(''|[\\][']|[^'])*'/
DOUBLE: /"(""|[\\]["]|[^"])*"/
FIELD: /[^\W\d]\w*\.("(""|[\\]["]|[^"])*"|`[^`]*`)|[^\W\d][\w\/-]*(\.[\w\/.:-]+)?|`[^`]*`/
%ignore /\s+/
"""

_SPACES: Final[dict[str, FieldKind]] = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attributes"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "params"),
    **dict.fromkeys(("metric", "metrics"), "metrics"),
    **dict.fromkeys(("tag", "tags"), "tags"),
    **dict.fromkeys(("dataset", "datasets"), "datasets"),
}

# What the parser could have taken, in the order in which it is worth telling.
_EXPECTED: Final = (
    ("NUMBER", "a number or a 'text' in quotes"),
    ("SINGLE", "a 'text' in quotes"),
    ("COMPARISON", "a comparison: =, !=, <, <=, >, >=, like, ilike, in, is null"),
    ("FIELD", "a name such as metrics.f1_score, params.c or tags.team"),
    ("LPAR", "a list such as ('a', 'b')"),
    ("RPAR", "a closing parenthesis, and, or"),
    ("NULL", "null"),
    ("AND", "and, or, or the end"),
)


class FilterError(UsageError):
    """A filter that cannot be read: `text` and the `position` of the character where it went wrong."""

    def __init__(self, message: str, text: str, position: int, *, hint: str = f"for example {EXAMPLE}") -> None:
        super().__init__(f"filter: {message}", hint=hint)
        self.excerpt = (text, position)


def parse(text: str) -> Expression:
    """The expression of a filter; of an empty one: every run. Bare names stand in it as they were written.

    Raises FilterError for what the grammar does not know, and for more than a person or a script would write.
    """
    if not text.strip():
        return EVERY_RUN
    if len(text) > MOST_CHARACTERS:
        raise FilterError(
            f"{len(text):,} characters are too many, the limit is {MOST_CHARACTERS:,}", text, MOST_CHARACTERS
        )
    if (odd := next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)) is not None:
        raise FilterError("not valid UTF-8", text, odd)
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        expression = cast(Expression, _parser().parse(text))
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        what = "unclosed quote" if text[position] in "'\"`" else f"{text[position]!r} has no meaning here"
        raise FilterError(what, text, position) from error
    except UnexpectedToken as error:
        position = len(text.rstrip()) if error.token.type == "$END" else int(error.token.start_pos or 0)
        raise FilterError(f"expected {_expected(error)}", text, position) from error
    _check_size(expression, text)
    return expression


def field_of(name: str, at: int = 0) -> Field:
    """`metrics.f1_score`, ``tags.`a b` ``, or a bare name, as a field. An unknown prefix is part of a bare name."""
    prefix, dot, key = name.partition(".")
    space = _SPACES.get(prefix) if dot else None
    return Field("", _unquoted(name), at) if space is None else Field(space, _unquoted(key), at)


def _unquoted(text: str) -> str:
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "`\"'"
    return text[1:-1] if quoted else text


def _expected(error: Any) -> str:
    accepted = set(error.accepts or error.expected)
    return next((words for terminal, words in _EXPECTED if terminal in accepted), "something else")


def _check_size(expression: Expression, text: str) -> None:
    conditions = 0
    for part, depth in _walk(expression):
        conditions += isinstance(part, Condition)
        if depth > _DEEPEST:
            raise FilterError(f"nested more than {_DEEPEST} deep", text, len(text))
    if conditions > _MOST_CONDITIONS:
        raise FilterError(
            f"{conditions:,} conditions are too many", text, len(text), hint="a list: run_id in ('...', '...')"
        )


def _walk(expression: Expression) -> Iterator[tuple[Expression, int]]:
    waiting = [(expression, 1)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        inner = part.parts if isinstance(part, And | Or) else (part.part,) if isinstance(part, Not) else ()
        waiting.extend((one, depth + 1) for one in inner)


@cache
def _parser() -> Lark:
    from lark import Lark, Transformer, v_args

    class Build(Transformer):  # type: ignore[type-arg]
        """Called while parsing, from the inside out: nothing recurses, however deep a filter is nested."""

        def disjunction(self, items: list[Any]) -> Expression:
            return Or(tuple(items[::2]))

        def conjunction(self, items: list[Any]) -> Expression:
            return And(tuple(items[::2]))

        def negated(self, items: list[Any]) -> Expression:
            inner = items[1]
            return inner.part if isinstance(inner, Not) else Not(inner)

        def condition(self, items: list[Any]) -> Expression:
            return _condition(items)

        def values(self, items: list[Any]) -> list[Any]:
            return items

        @v_args(inline=True)
        def field(self, token: Token) -> Field:
            return field_of(str(token), token.start_pos or 0)

        @v_args(inline=True)
        def field_name(self, token: Token) -> tuple[Field, int]:
            return field_of(str(token), token.start_pos or 0), token.start_pos or 0

        @v_args(inline=True)
        def number(self, token: Token) -> tuple[float, int]:
            return float(token), token.start_pos or 0

        def text(self, tokens: list[Token]) -> tuple[str, int]:
            return "".join(token[1:-1] for token in tokens), tokens[0].start_pos or 0

    return Lark(GRAMMAR, parser="lalr", transformer=Build(), maybe_placeholders=False)


def _condition(items: list[Any]) -> Expression:
    if not isinstance(items[0], Field):  # has FIELD
        return Condition(items[1], "has")
    field, words = items[0], [str(item).lower() for item in items[1:]]
    if words[-1] == "null":
        present = Condition(field, "has")
        return present if len(words) == 3 else Not(present)
    operator = "not in" if words[0] == "not" else "=" if words[0] == "==" else words[0]
    operand, at = items[-1], field.at
    if operator in ("in", "not in"):
        operand, at = tuple(one for one, _ in items[-1]), items[-1][0][1]
    else:
        operand, at = items[-1]
    return Condition(field, cast("Operator", operator), cast("Operand", operand), at)
