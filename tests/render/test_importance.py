"""What speaks for each class, as a sheet."""

from __future__ import annotations

import json
from dataclasses import replace

from expctl.analysis.importance import ColumnImportance, ColumnLoss, Importance, Term
from expctl.records import RunRecord
from expctl.render.formats import FORMATS
from expctl.render.importance import column_importance_sheet, importance_sheet, shown_term

RUN = RunRecord("7cb12345" + "0" * 24, "first", "finished", "1", params={"model": "logreg"})
TERMS = [
    ("bad", [Term("awful", 2.5, "word"), Term(" du", 1.25, "char_wb")]),
    ("good", [Term("lovely", 3.25, "word")]),
]
FOUND = Importance(RUN, "coefficient", TERMS)


def test_a_table_has_the_terms_of_each_class_in_their_order():
    assert FORMATS["table"](importance_sheet(FOUND)) == (
        f"run: first\nrun_id: {RUN.run_id}\nmodel: logreg\nweight: coefficient\n\n"
        "class  #  term    weight\n"
        "bad    1  awful   2.5000\n"
        "bad    2  ␣du     1.2500\n"
        "good   1  lovely  3.2500\n"
    )


def test_formats_for_machines_have_the_terms_as_they_are():
    rows = json.loads(FORMATS["json"](importance_sheet(FOUND)))["rows"]
    assert rows[1] == {"class": "bad", "rank": 2, "term": " du", "weight": 1.25}


def test_of_words_and_characters_each_term_says_which_it_is():
    both = replace(FOUND, run=replace(RUN, params={**RUN.params, "analyzer": "word+char_wb"}))
    rows = json.loads(FORMATS["json"](importance_sheet(both)))["rows"]
    assert rows[1] == {"class": "bad", "rank": 2, "term": " du", "analyzer": "char_wb", "weight": 1.25}


def test_blanks_at_the_ends_of_a_term_are_seen():
    assert [str(shown_term(term)) for term in ("no", " no", "no  ", "a b", "  ")] == ["no", "␣no", "no␣␣", "a b", "␣␣"]


def test_columns_have_what_is_lost_without_them():
    lost = [ColumnLoss("town", "categorical", 0.5, 0.25, 0.75), ColumnLoss("sold", "datetime", None, None, None)]
    sheet = column_importance_sheet(ColumnImportance(RUN, "r2", 0.9, 10, lost))
    assert FORMATS["table"](sheet).endswith(
        "metric: r2\nvalue: 0.9000\npermutations: 10\n\n"
        "column  kind           loss     low    high\n"
        "town    categorical  0.5000  0.2500  0.7500\n"
        "sold    datetime          –       –       –\n"
    )
    assert FORMATS["csv"](sheet).splitlines()[1] == "town,categorical,0.5,0.25,0.75"
