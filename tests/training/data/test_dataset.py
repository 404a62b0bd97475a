"""Labels keep one type, what is left out is counted, and data that would make training lie is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from expctl.data_issues import counts
from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.dataset import as_numbers, fingerprint, load_split
from expctl.training.data.rows import text_hashes
from tests.conftest import real_data

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, rows: list[tuple[Any, ...]], header: tuple[str, ...] = ("text", "label")) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def balanced(each: int, *labels: str) -> list[tuple[Any, ...]]:
    return [(f"text {label} {i}", label) for i in range(each) for label in labels or ("neg", "pos")]


def refusal(recipe: Recipe) -> tuple[str, str | None]:
    with pytest.raises(DataError) as refused:
        load_split(recipe)
    return refused.value.message, refused.value.hint


def test_typed_labels_keep_their_type_from_jsonl_and_parquet(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}", "label": str(i % 2)} for i in range(20)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.table({"text": ["a", "b"] * 10, "label": [True, False] * 10}), tmp_path / "a.parquet")
    assert set(load_split(Recipe(f"{tmp_path}/a.jsonl")).train.labels.tolist()) == {"0", "1"}
    assert load_split(Recipe(f"{tmp_path}/a.parquet")).train.labels.dtype == bool
    assert load_split(Recipe(write(tmp_path / "a.csv", balanced(10, "0", "1")))).train.labels.dtype == np.int64


def test_rows_left_out_are_counted_for_the_user(tmp_path: Path) -> None:
    rows = [*balanced(20), ("", "pos"), (" \t ", "neg"), ("no label", ""), ("blank label", "  "), ("", "")]
    split = load_split(Recipe(write(tmp_path / "a.csv", rows)))
    assert split.notes == [
        f"left out 3 of 45 rows of {tmp_path}/a.csv that have no text",
        f"left out 3 of 45 rows of {tmp_path}/a.csv that have no label",
    ]
    assert (split.dataset_size, len(split.train), len(split.test)) == (40, 32, 8)


def test_nothing_left_out_is_nothing_told(tmp_path: Path) -> None:
    assert load_split(Recipe(write(tmp_path / "a.csv", balanced(10)))).notes == []


def test_rows_keep_their_number_in_the_file_when_others_are_left_out(tmp_path: Path) -> None:
    rows = [("", "pos"), *balanced(10)]
    split = load_split(Recipe(write(tmp_path / "a.csv", rows)))
    for side in (split.train, split.test):
        for number, text, label in zip(side.frame.index, side.frame["text"], side.labels, strict=True):
            assert rows[number] == (text, label)
    assert sorted([*split.train.frame.index, *split.test.frame.index]) == list(range(1, 21))


def test_a_column_is_numbers_only_if_every_cell_is() -> None:
    assert str(as_numbers(["1", None, "2.5"])) == "[1.0, nan, 2.5]"
    assert as_numbers(["1", "two"]) == ["1", "two"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("", "pos"), (" ", "neg")], "{path}: no row has a text"),
        ([("a", ""), ("b", " ")], "{path}: no row has a label"),
        ([("a", ""), ("", "pos")], "{path}: no row has a text and label"),
        ([], "{path} has a header and no rows"),
        ([("a", "pos")], "all 1 rows of {path} to learn from have the label 'pos'"),
        ([("a", "pos"), ("b", "pos ")], "all 2 rows of {path} to learn from have the label 'pos'"),
        (
            [*balanced(5), ("one", "rare")],
            "class 'rare' in {path} has a single row: it cannot be both trained and tested on",
        ),
        (
            [*balanced(5), ("one", "rare"), ("two", "rarer")],
            "classes 'rare', 'rarer' in {path} have a single row: it cannot be both trained and tested on",
        ),
        (
            [*balanced(2), *((f"text {i}", f"name {i}") for i in range(20))],
            "{path}: 22 values of 'label' in 24 rows, too many for classes",
        ),
        (
            [(f"text {i}", f"class {i // 2}") for i in range(20)],
            "{path}: 20 rows cannot be split: The test_size = 4 should be greater or equal to the number of classes"
            " = 10",
        ),
    ],
    ids=[
        "no text",
        "no label",
        "neither",
        "no rows",
        "one row",
        "one class",
        "a rare class",
        "two",
        "ids",
        "many classes",
    ],
)
def test_data_that_cannot_train_is_refused_in_words(tmp_path: Path, rows: list[Any], message: str) -> None:
    path = write(tmp_path / "a.csv", rows)
    assert refusal(Recipe(path))[0] == message.format(path=path)


def test_a_file_of_no_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert refusal(Recipe(f"{tmp_path}/a.csv"))[0] == f"{tmp_path}/a.csv is empty (0 bytes)"


def test_a_missing_column_names_its_option(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", balanced(5), header=("review", "stars"))
    assert refusal(Recipe(path)) == (
        f"{path} has no column 'text'",
        "it has review, stars; --text-column names another, or --target what to learn from all others",
    )
    assert refusal(Recipe(path, text_column="review", target="star")) == (
        f"{path} has no column 'star', did you mean 'stars'?; it has review, stars",
        f"expctl train --data {path} --text-column review --target stars",
    )


def test_a_class_with_one_row_trains_without_stratifying(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*balanced(20), ("one", "rare")])
    split = load_split(Recipe(path, stratify=False))
    assert len(split.train) + len(split.test) == 41


def test_the_split_is_that_of_scikit_learn_and_follows_the_random_state(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    path = write(tmp_path / "a.csv", balanced(50))
    labels = [label for _, label in balanced(50)]
    for stratify in (True, False):
        for seed in (42, 7):
            split = load_split(Recipe(path, stratify=stratify, random_state=seed, test_size=0.3))
            train, test = train_test_split(
                range(100), test_size=0.3, random_state=seed, stratify=labels if stratify else None
            )
            assert (split.train.frame.index.tolist(), split.test.frame.index.tolist()) == (train, test)


def test_a_split_without_two_training_classes_is_refused(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    path = write(tmp_path / "a.csv", [*[(f"t{i}", "pos") for i in range(9)], ("t9", "neg")])
    seed = next(s for s in range(100) if train_test_split(range(10), test_size=0.1, random_state=s)[1] == [9])
    message, _ = refusal(Recipe(path, stratify=False, random_state=seed, test_size=0.1))
    assert message == f"all 9 rows of {path} to learn from have the label 'pos'"


def test_the_split_column_divides_and_other_values_are_counted(tmp_path: Path) -> None:
    marks = [" Train", "TEST ", "train", "test", "val", "", "train"]
    rows = [(f"text {i}", ("pos", "neg", "neg")[i % 3], mark) for i, mark in enumerate(marks)]
    path = write(tmp_path / "a.csv", rows, header=("text", "label", "part"))
    split = load_split(Recipe(path, test_size=None, split_column="part"))
    assert split.train.frame.index.tolist() == [0, 2, 6]
    assert split.test.frame.index.tolist() == [1, 3]
    assert split.notes == ["left out 2 rows whose part is neither train nor test"]


def test_the_split_column_still_fits_when_rows_before_are_left_out(tmp_path: Path) -> None:
    rows = [("", "pos", "test"), ("a", "pos", "train"), ("b", "neg", "train"), ("c", "pos", "test")]
    path = write(tmp_path / "a.csv", rows, header=("text", "label", "part"))
    split = load_split(Recipe(path, test_size=None, split_column="part"))
    assert (split.train.frame["text"].tolist(), split.test.frame["text"].tolist()) == (["a", "b"], ["c"])


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_split_column_without_one_side_says_what_it_says(tmp_path: Path, side: str) -> None:
    other = "test" if side == "train" else "train"
    rows = [(f"t{i}", ("pos", "neg")[i % 2], (other, "dev")[i % 2]) for i in range(10)]
    path = write(tmp_path / "a.csv", rows, header=("text", "label", "part"))
    assert refusal(Recipe(path, test_size=None, split_column="part")) == (
        f"column 'part' of {path} never says {side!r}",
        f"it says dev, {other}",
    )


def test_a_missing_split_column_names_its_option(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", balanced(5))
    assert (
        refusal(Recipe(path, test_size=None, split_column="part"))[1]
        == "it has text, label; --split-column names another"
    )


def test_test_data_is_taken_whole_and_its_bytes_are_hashed(tmp_path: Path) -> None:
    train, test = write(tmp_path / "a.csv", balanced(10)), write(tmp_path / "b.csv", [*balanced(2), ("", "pos")])
    split = load_split(Recipe(train, test_size=None, test_data=test))
    assert (len(split.train), len(split.test), split.dataset_size) == (20, 4, 20)
    assert split.notes[0] == f"left out 1 of 5 rows of {test} that have no text"
    assert split.data_hash == hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()
    assert split.test_data_hash == hashlib.sha256((tmp_path / "b.csv").read_bytes()).hexdigest()
    assert split.data_bytes == (tmp_path / "a.csv").stat().st_size


def test_without_test_data_there_is_no_hash_of_it(tmp_path: Path) -> None:
    assert load_split(Recipe(write(tmp_path / "a.csv", balanced(10)))).test_data_hash is None


@pytest.mark.parametrize(
    ("labels", "told"), [(("yes", "no"), "text"), (("true", "false"), "booleans"), (("1.0", "2.0"), "numbers")]
)
def test_labels_of_another_type_in_the_test_data_are_refused(
    tmp_path: Path, labels: tuple[str, str], told: str
) -> None:
    train, test = write(tmp_path / "a.csv", balanced(10, "0", "1")), write(tmp_path / "b.csv", balanced(2, *labels))
    assert refusal(Recipe(train, test_size=None, test_data=test)) == (
        f"labels of the training rows are integers, of the test rows {told}",
        "write them the same way in both files",
    )


def test_classes_that_only_the_test_data_has_are_told(tmp_path: Path) -> None:
    train = write(tmp_path / "a.csv", balanced(10))
    test = write(tmp_path / "b.csv", [(f"new {text}", label) for text, label in balanced(3, "neg", "pos", *"edcb")])
    assert load_split(Recipe(train, test_size=None, test_data=test)).notes == [
        "12 test rows are of classes without a training row (classes 'b', 'c', 'd' and 1 more): always wrong"
    ]


def test_cross_validation_needs_a_row_of_each_class_for_each_fold(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*balanced(50), *balanced(4, "rare")])
    assert refusal(Recipe(path, cv=5)) == (
        "class 'rare': fewer than 5 training rows, one for each fold",
        "--cv 3, or --no-stratify",
    )
    load_split(Recipe(path, cv=3))
    load_split(Recipe(path, cv=5, stratify=False))


def test_more_folds_than_rows_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", balanced(5))
    assert refusal(Recipe(path, cv=9, stratify=False))[0] == "8 training rows cannot make 9 folds"


def test_only_a_factory_is_given_the_other_columns(tmp_path: Path) -> None:
    rows = [(f"t{i}", ("pos", "neg")[i % 2], "", i, f"n{i}") for i in range(10)]
    path = write(tmp_path / "a.csv", rows, header=("text", "label", "empty", "stars", "name"))
    assert list(load_split(Recipe(path)).train.frame) == ["text"]
    frame = load_split(Recipe(path), all_columns=True).train.frame
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "text": "object", "empty": "float64", "stars": "float64", "name": "object",
    }  # fmt: skip


def test_a_signed_url_is_not_shown_in_an_error() -> None:
    with pytest.raises(DataError) as refused:
        load_split(Recipe("http://127.0.0.1:1/reviews.txt?sig=secret"))
    assert "secret" not in refused.value.message


PAIRS = st.lists(st.tuples(st.text(st.characters()), st.text() | st.integers() | st.booleans()), min_size=1)


def fingerprint_of(pairs: list[tuple[str, Any]]) -> str:
    return fingerprint(text_hashes([text for text, _ in pairs]), [label for _, label in pairs])


@given(PAIRS, st.randoms())
def test_the_fingerprint_does_not_depend_on_the_order_of_rows(pairs: list[tuple[str, Any]], random: Any) -> None:
    shuffled = random.sample(pairs, len(pairs))
    assert fingerprint_of(shuffled) == fingerprint_of(pairs)


@given(PAIRS, st.data())
def test_the_fingerprint_changes_with_any_one_text_or_label(pairs: list[tuple[str, Any]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pairs) - 1))
    text, label = pairs[place]
    other_text = data.draw(st.text().filter(lambda other: other != text))
    other_label = data.draw(st.text().filter(lambda other: other != str(label)))
    for changed in ((other_text, label), (text, other_label)):
        assert fingerprint_of([*pairs[:place], changed, *pairs[place + 1 :]]) != fingerprint_of(pairs)


@given(PAIRS)
def test_the_fingerprint_counts_repeated_rows(pairs: list[tuple[str, Any]]) -> None:
    assert fingerprint_of([*pairs, pairs[0]]) != fingerprint_of(pairs)


def repeating(path: Path, texts: list[int], labels: list[int], marks: list[bool]) -> str:
    rows = [(f"text {t}", f"class {y}", "test" if m else "train") for t, y, m in zip(texts, labels, marks, strict=True)]
    return write(path, rows, header=("text", "label", "part"))


@given(st.data(), st.booleans(), st.integers(0, 99))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_with_dedupe_no_text_is_on_both_sides_and_every_row_on_one(
    tmp_path: Path, data: st.DataObject, stratify: bool, seed: int
) -> None:
    texts = data.draw(st.lists(st.integers(0, 20), min_size=8, max_size=60))
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(texts), max_size=len(texts)))
    path = repeating(tmp_path / "a.csv", texts, labels, [False] * len(texts))
    recipe = Recipe(path, dedupe=True, stratify=stratify, random_state=seed, test_size=0.3)
    try:
        split = load_split(recipe)
    except DataError:
        assume(False)
    assert sorted([*split.train.frame.index, *split.test.frame.index]) == list(range(len(texts)))
    assert not set(split.train.frame["text"]) & set(split.test.frame["text"])
    assert len(set(split.test.frame["text"])) == math.ceil(0.3 * len(set(texts)))
    assert "leaked_rows" not in counts(split.data_issues)


def test_where_no_text_is_repeated_dedupe_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", balanced(30))
    for stratify in (True, False):
        plain, deduped = (load_split(Recipe(path, stratify=stratify, dedupe=dedupe)) for dedupe in (False, True))
        for one, other in ((plain.train, deduped.train), (plain.test, deduped.test)):
            assert one.frame.index.tolist() == other.frame.index.tolist()
        assert plain.data_issues == deduped.data_issues == []


def test_dedupe_stratifies_by_the_label_of_the_first_copy(tmp_path: Path) -> None:
    rows = [*balanced(20), *[("text neg 0", "pos")] * 10]
    split = load_split(Recipe(write(tmp_path / "a.csv", rows), dedupe=True, test_size=0.5))
    firsts = dict(reversed(list(zip(split.test.frame["text"], split.test.labels, strict=True))))
    if "text neg 0" in firsts:
        firsts["text neg 0"] = "neg"
    assert sorted(firsts.values()) == ["neg"] * 10 + ["pos"] * 10


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_with_a_given_test_set_dedupe_leaves_out_what_is_in_it_and_tells(tmp_path: Path, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.integers(0, 9), min_size=6, max_size=30))
    marks = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    path = repeating(tmp_path / "a.csv", texts, [t % 2 for t in texts], marks)
    recipe = Recipe(path, dedupe=True, test_size=None, split_column="part")
    try:
        split = load_split(recipe)
    except DataError:
        assume(False)
    tested = {t for t, mark in zip(texts, marks, strict=True) if mark}
    assert split.test.frame.index.tolist() == [i for i, mark in enumerate(marks) if mark]
    kept = [i for i, mark in enumerate(marks) if not mark and texts[i] not in tested]
    assert split.train.frame.index.tolist() == kept
    left_out = len(texts) - sum(marks) - len(kept)
    assert counts(split.data_issues).get("deduped_rows", 0) == left_out
    assert not any(finding.refused for finding in split.data_issues if finding.key == "deduped_rows")
    told = f"left out {left_out} of {len(texts) - sum(marks)} training rows whose text is in the test set (--dedupe)"
    assert (told in split.notes) == (left_out > 0)


def test_a_test_set_that_has_every_training_text_leaves_nothing_to_dedupe(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", balanced(5))
    assert refusal(Recipe(path, test_size=None, test_data=path, dedupe=True)) == (
        "every training row has the text of a test row",
        "another test set, or no --dedupe",
    )


def test_a_class_with_one_text_is_too_rare_to_divide_however_often_it_is_copied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*balanced(20), *[("one", "rare")] * 9])
    message, _ = refusal(Recipe(path, dedupe=True))
    assert message == f"class 'rare' in {path} has a single text: it cannot be both trained and tested on"
    load_split(Recipe(path))


def test_cross_validation_with_dedupe_needs_a_text_of_each_class_for_each_fold(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*balanced(50), *balanced(4, "rare") * 3])
    assert refusal(Recipe(path, cv=5, dedupe=True))[0] == "class 'rare': fewer than 5 training texts, one for each fold"
    load_split(Recipe(path, cv=5))


def test_the_repeated_texts_of_real_data_are_found_and_kept_apart() -> None:
    path = str(real_data("sms_spam.csv"))
    plain, deduped = load_split(Recipe(path)), load_split(Recipe(path, dedupe=True))
    assert counts(plain.data_issues) == {"repeated_rows": 404, "leaked_rows": 135}
    assert counts(deduped.data_issues) == {"repeated_rows": 404}
    assert not set(deduped.train.frame["text"]) & set(deduped.test.frame["text"])
