"""The recorded sample as it was before it was made fit for spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from expctl.encoding import csv_text
from expctl.tracking.models.sample_check import _plain


@pytest.mark.parametrize("text", ["plain", "=1+1", "-x", "+1", "@home", "\tx", "'quoted'", "'", "", "two\nlines"])
def test_a_text_comes_back_as_it_was(text):
    ((cell,),) = csv.reader(io.StringIO(csv_text([[text]], formulas="escape"), newline=""))
    assert _plain(cell) == text
