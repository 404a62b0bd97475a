"""The encoding that is named in an error reads the whole file, and is the one that its language is written in."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

from expctl.training.data.encodings import fitting_encoding

TEXTS = {
    "utf-8": "Ein schöner Film, très bien, очень хорошо",
    "cp1252": "£1.50 to send – “well”, the café’s naïve crêpe",
    "cp1251": "Привет, как дела сегодня? Отличный фильм, мне понравилось",
    "cp1250": "Zażółć gęślą jaźń, film był świetny",
    "cp932": "これは素晴らしい映画でした。とても面白かったです。",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_a_text_is_found(encoding: str) -> None:
    if encoding == "cp1250" and Version(version("charset-normalizer")) < Version("3.5"):
        pytest.skip("charset-normalizer 3.3 takes one Polish sentence for a Western one")
    content = f"text,label\nplain,pos\n{TEXTS[encoding]},neg\n".encode(encoding)
    assert fitting_encoding(content) == encoding


@pytest.mark.parametrize("text", ["£1000 cash", "Le café", "déjà vu"])
def test_a_few_accents_are_windows_1252(text: str) -> None:
    assert fitting_encoding(text.encode("cp1252")) == "cp1252"


def test_bytes_that_are_no_text_have_none_that_reads_only_some_of_them() -> None:
    content = "a café\n".encode("cp1252") * 10 + b"\x81\x8d\xff\xfe\x00"
    found = fitting_encoding(content)
    assert found is None or content.decode(found)
