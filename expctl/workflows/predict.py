"""`predict`: texts or rows of a table, in pieces, with what the model of a run says of them. Writes no file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from expctl.errors import DataError, UsageError
from expctl.records import Tag
from expctl.tracking.models.storage import load_model
from expctl.tracking.runs.references import best_run, resolve
from expctl.wording import metric_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import BufferedReader

    from expctl.records import RunRecord
    from expctl.tracking.models.storage import LoadedModel
    from expctl.tracking.store import Store
    from expctl.training.data.oov import Seen
    from expctl.training.data.table_formats import FileFormat, Layout, TableColumns
    from expctl.training.fit.predict_tables import RowCounts


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What is to be predicted: `texts`, or the table in the file `input` (`-`: standard input), and what is told of it.

    Without `text_column` the texts are in the column that the model was trained on. `delimiter` and `names` are as
    in a recipe; without either a file is laid out as the run's data of that kind.
    """

    texts: Sequence[str] = ()
    input: str | None = None
    text_column: str | None = None
    encoding: str = "utf-8"
    proba: bool = False
    oov: bool = False
    delimiter: str | None = None
    names: str | None = None

    @property
    def name(self) -> str:
        """What the rows come from, for people."""
        return "standard input" if self.input == "-" else self.input or "the arguments"


def run_to_use(store: Store, reference: str | None, note: Callable[[str], None]) -> RunRecord:
    """The run that a reference means; without one the best by its task's metric, which is noted."""
    if reference is not None:
        return resolve(store, reference)
    found = best_run(store)
    metric = "f1_score" if "f1_score" in found.metrics else "r2"
    note(f"model of the best run: {found.described}, {metric} {metric_text(found.metrics[metric])}")
    return found


def usable_model(store: Store, run: RunRecord, *, trust: bool, note: Callable[[str], None]) -> LoadedModel:
    """The model of a run. Raises DataError if it is damaged, not to be trusted, or does not say what it reads."""
    model = load_model(store, run, trust=trust, warn=lambda text: note(f"warning: {text}"))
    if model.is_foreign:
        from expctl.tracking.models.sample_check import check_answers

        check_answers(store, run, model)
    if not model.inputs:
        raise DataError(
            f"the model of run {run.label} does not record which columns it reads",
            hint="log it with an input_example of named columns, or train it with expctl",
        )
    return model


@dataclass
class Predictions:
    """The rows of a request with their predictions, read and made as they are asked for, and counted as they pass.

    `rows` went by, and `missing` of them without a prediction. `source` is the open file of a request that has one; of
    texts that are given, and of a folder, there is none.
    """

    run: RunRecord
    model: LoadedModel
    request: PredictRequest
    source: BufferedReader | None
    rows: int = 0
    missing: int = 0
    _seen: Seen | None = field(default=None, init=False)
    _counts: RowCounts | None = field(default=None, init=False)

    def pieces(self, advance: Callable[[int], None]) -> Iterator[TableColumns]:
        """The input's columns and the predictions, some rows at a time; `advance` is told the rows so far.

        Raises UsageError or DataError for rows that the model cannot read.
        """
        for piece in self._predicted():
            self.rows += len(piece["prediction"])
            self.missing += piece["prediction"].count(None)
            yield piece
            advance(self.rows)

    def _predicted(self) -> Iterator[TableColumns]:
        from expctl.training.data.oov import Seen
        from expctl.training.fit.predict_batches import predicted_chunks

        request, model, recipe = self.request, self.model, self.model.recipe
        if recipe is not None:
            from expctl.training.data.table import known_categories
            from expctl.training.fit.predict_tables import RowCounts, predicted_tables

            for given, option in ((request.oov, "--oov"), (request.text_column is not None, "--text-column")):
                if given:
                    raise UsageError(
                        f"{option}: the model of {self.run.label} reads a table", hint=f"leave out {option}"
                    )
            self._counts = RowCounts(known_categories(model.estimator))
            return predicted_tables(
                model.estimator, recipe, self._read(), name=request.name, proba=request.proba, counts=self._counts
            )
        self._seen = Seen() if "oov" in self.run.metrics else None
        return predicted_chunks(
            model.estimator, model.inputs, self._read(), name=request.name, text_column=request.text_column,
            texts_alone=model.reads_texts_alone, proba=request.proba, oov=request.oov, seen=self._seen,
        )  # fmt: skip

    def warnings(self) -> Iterator[str]:
        """What there is to warn of when all rows have passed."""
        if self.missing:
            yield f"{self.missing:,} of {self.rows:,} rows have no text and got no prediction"
        if self._counts is not None:
            yield from self._counts.told()
        usual, tested = self.run.metrics.get("oov"), self.run.typed_params.get("test_rows")
        seen = self._seen
        if seen is not None and usual is not None and isinstance(tested, int) and seen.is_far_above(usual, tested):
            yield (
                f"{seen.mean:.0%} of a text's terms are unknown to the model, {usual:.0%} in its test rows:"
                " texts of another kind, for which its metrics say little"
            )

    def _read(self) -> Iterator[TableColumns]:
        from expctl.training.data.class_folders import folder_chunks
        from expctl.training.data.tables import chunks, kind_of

        request, input = self.request, self.request.input
        if input is None:
            yield self._given()
        elif self.source is None:
            yield from folder_chunks(input, encoding=request.encoding)
        else:
            kind = _kind_on_stdin(self.source) if input == "-" else kind_of(input)
            layout = self._layout(kind)
            yield from chunks(self.source, kind, encoding=request.encoding, name=request.name, layout=layout)

    def _layout(self, kind: FileFormat) -> Layout:
        """That of the options; without any that of the data of training, if these are a file of this kind."""
        from expctl.training.data.class_folders import is_class_folder
        from expctl.training.data.table_formats import layout_of
        from expctl.training.data.tables import kind_of
        from expctl.workflows.recipe_source import recipe_of

        delimiter, names = self.request.delimiter, self.request.names
        if delimiter is None and names is None and Tag.RECIPE in self.run.tags:
            recipe = recipe_of(self.run)
            if not is_class_folder(recipe.data) and kind_of(recipe.data) == kind:
                delimiter, names = recipe.delimiter, recipe.names
        return layout_of(delimiter, names)

    def _given(self) -> TableColumns:
        from expctl.training.data.tables import shown_names

        inputs, recipe = self.model.inputs, self.model.recipe
        columns = inputs if recipe is None or recipe.columns is None else recipe.columns  # a date as one
        if len(inputs) > 1:
            raise UsageError(
                f"the model reads the columns {shown_names(list(columns))}", hint="give them with --input FILE"
            )
        return {self.request.text_column or next(iter(inputs)): list(self.request.texts)}


def _kind_on_stdin(source: BufferedReader) -> FileFormat:
    first = source.peek(1)[:1]
    return "jsonl" if first == b"{" else "json" if first == b"[" else "csv"
