"""Stop words from a file: its words are scikit-learn's, and the file is the one that was chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from expctl.errors import DataError, UsageError
from expctl.training.models import word_file
from expctl.training.models.configure import configure, recorded
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.word_file import read_words, word_file_hash


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "words.txt"
    path.write_text("\ufeffthe\n and \n\nthe\nof\n")
    return path


def test_the_words_arrive_at_the_vectorizer_each_once(words):
    recipe = configure({"data": "a.csv", "stop_words": "words.txt"})
    assert recipe.stop_words_hash == word_file_hash("words.txt")
    ((_, vectorizer, _),) = build_pipeline(recipe).named_steps["features"].transformers
    assert vectorizer.stop_words == ["the", "and", "of"]
    assert recipe.logged()["stop_words_hash"] == recipe.stop_words_hash
    assert "stop_words_hash" not in configure({"data": "a.csv", "stop_words": "english"}).to_json()


def test_a_recorded_recipe_takes_the_file_that_it_was_made_with_and_no_other(words):
    recipe = configure({"data": "a.csv", "stop_words": "words.txt"})
    words.write_text("something else\n")
    again = recorded(recipe.to_json())
    assert again == recipe
    with pytest.raises(DataError, match=r"words\.txt has changed: its sha256 was"):
        build_pipeline(again)
    words.unlink()
    assert recorded(recipe.to_json()) == recipe  # it can still be shown
    with pytest.raises(UsageError, match=r"no file words\.txt"):
        build_pipeline(again)


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_a_word_is_refused(words, content):
    words.write_bytes(content)
    with pytest.raises(UsageError, match="has no word"):
        read_words("words.txt", None)


def test_what_is_no_list_of_words_is_refused(words, monkeypatch):
    words.write_bytes(b"caf\xe9\n")
    with pytest.raises(UsageError, match=r"is not UTF-8 \(byte 3\)"):
        read_words("words.txt", None)
    monkeypatch.setattr(word_file, "_LIMIT", 3)
    with pytest.raises(UsageError, match="more than 3 bytes"):
        read_words("words.txt", None)
    os.mkfifo("pipe.txt")
    Path("folder.txt").mkdir()
    for path in ("pipe.txt", "folder.txt", "missing.txt"):
        with pytest.raises(UsageError, match=f"no file {path}"):
            read_words(path, None)
        assert word_file_hash(path) is None
