"""A report as one HTML page that needs nothing but itself. Owns the template, and what may run in the page.

Every text of a run goes through Jinja's escaping, after the characters that would turn a line round are made visible.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from expctl import __version__
from expctl.metrics import METRICS, is_detail, usual_metrics_of
from expctl.render import charts, comparison_charts, regression_charts
from expctl.render.comparison_views import comparison_sheet, flips_sheet, untested_lines
from expctl.render.formats import RIGHT, parts
from expctl.render.importance import has_two_kinds, shown_term
from expctl.render.sheet import Cell, Change, Column, Sheet
from expctl.render.slices import slices_sheet
from expctl.render.text import heading, number, shown, table_texts, visible
from expctl.render.vega import Chart
from expctl.render.views import chosen_parameters, ranking_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.analysis.difference import Difference
    from expctl.analysis.importance import Term
    from expctl.analysis.report import Report
    from expctl.analysis.target_ranges import ValueErrors
    from expctl.records import RunRecord

_PARAMETERS: Final = 12  # in charts
_PLOTTED: Final = 3  # runs from which on parameters are drawn against metrics
_CHANGED: Final = 20  # classes
_TEXT: Final = 600  # characters of a test row's text


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    style: str = ""
    run: str | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class _Table:
    heads: Sequence[_Head]
    rows: Sequence[Sequence[_Cell]]


def report_page(report: Report) -> bytes:
    """The page, UTF-8."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    page = files("expctl.render") / "page"
    style = (page / "page.css").read_text("utf-8")
    scripts = [(page / name).read_text("utf-8") for name in ("vega.js", "page.js")]
    drawn = _charts(report)
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    text = environment.from_string((page / "page.html").read_text("utf-8")).render(
        report=report,
        policy=Markup(_policy(style, scripts)),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        data=Markup(_embedded(drawn)),
        charts=drawn,
        version=__version__,
        **_tables(report, drawn),
    )
    return text.encode()


def _policy(style: str, scripts: Sequence[str]) -> str:
    """A Content-Security-Policy that lets these run and nothing else, and nothing be loaded."""

    def sources(texts: Sequence[str]) -> str:
        return " ".join(f"'sha256-{b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in texts)

    return (
        f"default-src 'none'; script-src {sources(scripts)}; style-src {sources([style])};"
        " base-uri 'none'; form-action 'none'"
    )


def _embedded(value: object) -> str:
    """JSON that no HTML parser sees an end of the script in, whatever the texts."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _charts(report: Report) -> dict[str, Chart]:
    """Every chart by its id in the page."""
    ranking, compared = report.ranking, _compared(report)
    runs = list(ranking.ranked)
    names = charts.titles([*runs, *(run for run in compared if run not in runs)])
    found: dict[str, Chart] = {}
    if len(runs) > 1:
        found["ranking"] = charts.ranking_chart(ranking, names)
    parameters = chosen_parameters(runs)[:_PARAMETERS]
    if len(runs) >= _PLOTTED and parameters:
        found["parallel"] = charts.parallel_chart(runs, parameters, ranking.metric)
        for place, key in enumerate(parameters):
            found[f"scatter-{place}"] = charts.scatter_chart(runs, key, _metrics(report))
    if len(report.history) > 1:
        found["history"] = charts.history_chart(report.history, ranking.metric, names)
    challengers = list(zip(compared[1:], report.tested, strict=True))
    judged = [(run.run_id, names[run.run_id], _judged(one.assessment.differences)) for run, one in challengers]
    if any(differences for _, _, differences in judged):
        found["changes"] = comparison_charts.changes_chart("change (to the right is better)", judged)
    by_class = [(run.run_id, names[run.run_id], one.assessment.by_class) for run, one in challengers]
    if any(differences for _, _, differences in by_class):
        found["classes"] = comparison_charts.changes_chart("change of F1", by_class, most=_CHANGED)
    for place, sliced in enumerate(report.slices):
        changes = [
            (run.run_id, names[run.run_id], {one.name: one.difference for one in slices if one.difference is not None})
            for run, slices in sliced.changes
        ]
        if any(differences for _, _, differences in changes):
            found[f"slices-{place}"] = comparison_charts.changes_chart(f"change of {ranking.metric}", changes)
    curved = [
        (run.run_id, names[run.run_id], one)
        for run, one in zip(compared, report.curves, strict=True)
        if not isinstance(one, str)
    ]
    if curved:
        found["roc"] = comparison_charts.curves_chart("roc", curved)
        found["precision_recall"] = comparison_charts.curves_chart("precision_recall", curved)
    calibrated = [
        (run.run_id, names[run.run_id], one)
        for run, one in zip(compared, report.calibrations, strict=True)
        if not isinstance(one, str)
    ]
    if calibrated:
        found["reliability"] = comparison_charts.reliability_chart(calibrated)
    if report.confusion is not None:
        for place, run in enumerate(report.confused):
            found[f"confusion-{place}"] = comparison_charts.confusion_chart(report.confusion, place, names[run.run_id])
    return found | regression_charts.error_charts(_value_errors(report, names))


def _value_errors(report: Report, names: Mapping[str, str]) -> list[tuple[str, str, ValueErrors]]:
    """The errors of compared regressions: run id, name, errors."""
    compared = zip(_compared(report), report.errors, strict=True) if report.errors else ()
    return [(run.run_id, names[run.run_id], one) for run, one in compared if one is not None]


def _tables(report: Report, drawn: Mapping[str, Chart]) -> dict[str, Any]:
    """What the template needs besides the charts: tables, words, and which sections there are."""
    ranking, compared = report.ranking, _compared(report)
    names = charts.titles(compared)
    parameters = chosen_parameters(ranking.ranked)[:_PARAMETERS]
    flipped, terms = _flipped(report, names), _terms(report, names)
    errors = _value_errors(report, names)
    measured = bool(flipped) and all(one["measured"] for one in flipped)
    experiments = len({run.experiment for run in ranking.ranked}) > 1
    sections = {
        "ranking": "Ranking" if ranking.ranked else None,
        "parameters": "Parameters and metrics" if "parallel" in drawn else None,
        "history": "Over time" if "history" in drawn else None,
        "comparison": "Compared with the baseline" if len(compared) > 1 else None,
        "errors": "Predicted and actual values" if errors else None,
        "curves": "ROC, precision-recall and reliability" if len(errors) < len(report.curves) else None,
        "confusion": "Confusion" if report.confusion is not None else None,
        "classes": "Classes" if "classes" in drawn else None,
        "slices": "Slices" if report.slices else None,
        "terms": "Terms" if terms else None,
        "flips": ("Rows whose error changed" if measured else "Broken and fixed rows") if flipped else None,
    }
    return {
        "facts": {
            "experiment": report.experiment,
            "runs in the ranking": f"{len(ranking.ranked):,}",
            "ranked by": ranking.metric,
            "made": f"{report.made:%Y-%m-%d %H:%M} UTC",
        },
        "sections": {key: title for key, title in sections.items() if title is not None},
        "ranked": _table(ranking_sheet(ranking, experiments=experiments)),
        "selection": _selection(report),
        "metrics": _metrics(report),
        "scatters": {f"scatter-{i}": key for i, key in enumerate(parameters)},
        "compared": [run.label for run in compared],
        "confidence": f"{report.confidence:.0%}",
        "untested": [
            line
            for run, one in zip(compared[1:], report.tested, strict=True)
            for line in untested_lines(run, one.assessment)
        ],
        **_lines(report),
        "bases": _bases(report, names),
        "thinned": sorted({f"{len(one.points):,} of {one.rows:,}" for *_, one in errors if len(one.points) < one.rows}),
        "measured": measured,
        "errors_only": len(errors) == len(compared),
        "matrices": {f"confusion-{i}": names[run.run_id] for i, run in enumerate(report.confused)},
        "mixed_up": _mixed_up(report, names),
        "slices": _slices(report, names),
        "terms": terms,
        "flipped": flipped,
    }


def _compared(report: Report) -> Sequence[RunRecord]:
    return report.comparison.runs if report.comparison is not None else ()


def _metrics(report: Report) -> list[str]:
    """The metrics that any ranked run has, that of the ranking first; none that only limit another one."""
    present = dict.fromkeys(key for run in report.ranking.ranked for key in run.metrics)
    order = [report.ranking.metric, *(key for key in METRICS if key in present), *present]
    return [key for key in dict.fromkeys(order) if not is_detail(key, present)]


def _judged(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """The metrics that fit on one axis, from 0 to 1 and the higher the better; log loss does not."""
    return {key: differences[key] for key, one in METRICS.items() if key in differences and one.higher_is_better}


def _selection(report: Report) -> str | None:
    ranking = report.ranking
    if ranking.selected is None or ranking.corrected is None:
        return None
    return (
        f"The best {ranking.metric}, {number(ranking.selected)}, was selected among {ranking.trials:,} trials on"
        f" the same test rows; corrected for that selection it is {number(ranking.corrected)}."
    )


def _lines(report: Report) -> dict[str, Any]:
    """The comparison by sections; of the parameters those that differ, and the others by themselves."""
    if report.comparison is None or len(report.comparison.runs) < 2:
        return {"lines": {}, "same": None, "by_class": None}
    comparison, tests = report.comparison, [one.assessment for one in report.tested]

    def table(section: str, differing: bool | None = None) -> _Table | None:
        kept = [line for line in comparison.lines if line.section == section and differing in (None, line.differs)]
        return _table(comparison_sheet(replace(comparison, lines=kept), tests)) if kept else None

    found = {
        "Experiments": table("run"),
        "Metrics": table("metrics"),
        "Parameters that differ": table("parameters", differing=True),
        "Code that differs": table("code"),
        "Tags that differ": table("tags"),
        "Packages that differ": table("packages"),
    }
    return {
        "lines": {title: one for title, one in found.items() if one is not None},
        "same": table("parameters", differing=False),
        "by_class": table("F1 by class"),
    }


def _bases(report: Report, names: Mapping[str, str]) -> list[str]:
    """What the curves are of, once, and which runs have none."""
    told: dict[str, list[str]] = {}
    for run, one in zip(_compared(report), report.curves, strict=True):
        told.setdefault(f"no curves: {one}" if isinstance(one, str) else one.basis, []).append(names[run.run_id])
    return [text if len(told) == 1 else f"{', '.join(runs)}: {text}" for text, runs in told.items()]


def _mixed_up(report: Report, names: Mapping[str, str]) -> _Table | None:
    if report.confusion is None:
        return None
    columns = [Column("label"), Column("predicted")]
    columns += [Column(run.run_id, names[run.run_id], "number") for run in report.confused]
    rows: list[list[Cell]] = [[one.label, one.predicted, *one.counts] for one in report.confusion.mixed_up]
    return _table(Sheet("mixed_up", columns, rows))


def _flipped(report: Report, names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for run, one in zip(_compared(report)[1:], report.tested, strict=True):
        flips = one.flips
        if flips is None or not flips.rows:
            continue
        sheet = flips_sheet(flips, one.texts, run)
        *said, text = sheet.columns  # the text before what was said of it, where a narrow screen shows it
        columns = [*said[:2], replace(text, width=_TEXT), *said[2:]]
        sheet = Sheet(sheet.kind, columns, [[*row[:2], row[-1], *row[2:-1]] for row in sheet.rows])
        changed = "whose error changed" if flips.measured else "that flipped"
        rows = f"{len(flips.rows):,} of {flips.broken + flips.fixed:,} rows {changed}"
        found.append(
            {
                "name": names[run.run_id],
                "measured": flips.measured,
                "summary": f"{flips.broken:,} rows with a larger error, {flips.fixed:,} with a smaller one"
                if flips.measured
                else f"{flips.broken:,} broken, {flips.fixed:,} fixed, {flips.both_wrong:,} wrong in both,"
                f" {flips.both_right:,} right in both",
                "caption": f"{rows}, {names[run.run_id]} against the baseline",
                "table": _table(sheet),
                "without_texts": any(text is None for _, text in one.texts),
            }
        )
    return found


def _slices(report: Report, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each column: what the baseline scores on each slice, and the chart of what others change there."""
    found = []
    for place, one in enumerate(report.slices):
        baseline = _compared(report)[0]
        sheet = slices_sheet(baseline, one.column, usual_metrics_of(baseline.task), one.measured)
        found.append(
            {
                "caption": f"{names[baseline.run_id]}: slices of the test rows by {one.column}",
                "table": _table(sheet),
                "chart": f"slices-{place}",
                "title": f"Change of {report.ranking.metric} from the baseline, with limits, by {one.column}",
            }
        )
    return found


def _terms(report: Report, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each compared run that can tell: its classes with the terms that speak for them."""
    found = []
    for one in report.terms:
        if isinstance(one, str):
            continue
        columns = [Column("class"), Column("text", "terms that speak for it", width=None)]
        rows: list[list[Cell]] = [
            [name, ", ".join(_weighed(term, columns[0], both=has_two_kinds(one)) for term in terms)]
            for name, terms in one.terms
        ]
        caption = f"{names[one.run.run_id]}: terms with their weights ({one.kind})"
        found.append({"caption": caption, "table": _table(Sheet("terms", columns, rows))})
    return found


def _weighed(term: Term, column: Column, *, both: bool) -> str:
    made_of = f" ({term.made_of})" if both else ""
    return f"{shown(shown_term(term.text), column)}{made_of} {term.weight:.2f}"


def _table(sheet: Sheet) -> _Table:
    """A sheet of one section as a table of the page. Ages become times: the page is read later."""
    (_, columns, rows), *_ = parts(sheet) or [("", sheet.columns, [])]
    heads = [_Head(heading(column), column.kind in RIGHT) for column in columns]
    cells = [
        [_cell(cell, column, text) for cell, column, text in zip(row, columns, texts, strict=True)]
        for row, texts in zip(rows, table_texts(rows, columns), strict=True)
    ]
    return _Table(heads, cells)


def _cell(cell: Cell, column: Column, text: str) -> _Cell:
    if column.kind == "id" and isinstance(cell, str):
        return _Cell(text, run=cell)
    if isinstance(cell, datetime):
        return _Cell(f"{cell:%Y-%m-%d %H:%M} UTC")
    styles = ["right"] if column.kind in RIGHT else ["text"] if column.key == "text" else []
    if isinstance(cell, Change) and cell.better is not None:
        styles.append("better" if cell.better else "worse")
    if column.kind == "text" and cell in ("better", "worse"):
        styles.append(str(cell))
    return _Cell(text, " ".join(styles))
