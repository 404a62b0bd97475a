"""The README says what is true: its session runs, its tables are those of the code."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest

from expctl.data_issues import DATA_ISSUES
from expctl.errors import MEANINGS
from expctl.metrics import METRICS
from expctl.settings import VARIABLES, Settings
from expctl.training.models.families import FAMILIES
from expctl.training.models.features import FEATURES
from expctl.training.search.samplers import SAMPLERS
from tests.conftest import REVIEWS, ROOT

README = (ROOT / "README.md").read_text("utf-8")


def shape(text: str) -> str:
    """A text without what differs from run to run: ids, numbers with their signs, column widths."""
    text = re.sub(r"\b[0-9a-f]{8,32}\b", "ID", text)
    return re.sub(r"[ ]+", " ", re.sub(r"[+-]?\d+(\.\d+)?(e-\d+)?", "N", text))


def commands_of(section: str) -> list[tuple[str, str]]:
    """The commands of a section's console block with what they print."""
    session = re.search(rf"## {section}\n.*?```console\n(.*?)```", README, re.S)
    assert session is not None
    return re.findall(r"^\$ expctl (.*)\n((?:(?!\$ ).*\n)*)", session[1], re.M)


def test_every_sampler_is_in_the_readme():
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|`]+?)(?:; needs `(\w+)`)? \|$", README.split("| `--sampler` | tries |")[1], re.M
    )
    assert rows == [(name, one.help, one.needs or "") for name, one in SAMPLERS.items()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "count"),
    [
        *(("A session", 6), ("Sweeps", 2), ("Promoting a model", 4), ("Reproducing a run", 2)),
        ("Explaining a difference", 3),
    ],
)
def test_a_session_runs_and_prints_what_the_readme_shows(run_command, folder, section, count):
    (folder / "data").mkdir()
    shutil.copy(REVIEWS, folder / "data")
    commands = commands_of(section)
    assert len(commands) == count
    for command, shown in commands:
        done = run_command(*shlex.split(command))
        assert done.exit_code == 0, done.stderr
        assert shape(done.stdout + done.stderr) == shape(shown), command


def test_the_exit_codes_are_the_documented_ones():
    table = re.findall(r"^\| (\d+) \| ([^|]+) \|$", README, re.M)
    assert [(int(code), meaning) for code, meaning in table] == [
        (code.value, words) for code, words in MEANINGS.items()
    ]


def test_every_family_and_parameter_is_in_the_readme_with_its_default():
    for name, family in FAMILIES.items():
        row = re.search(rf"^\| `{name}` \| `{family.path.split(':')[1]}`: .* \| (.*) \|$", README, re.M)
        assert row is not None, name
        assert [pair.split("=")[0] for pair in row[1].split(", ")] == [p.key for p in family.parameters]
        for pair in row[1].split(", "):
            key, _, text = pair.partition("=")
            assert family.by_key[key].read(text) == family.by_key[key].default, key


def test_every_feature_parameter_and_metric_is_in_the_readme():
    for parameter in FEATURES.values():
        text = re.search(rf"`{parameter.key}=([^`]*)`", README)
        assert text is not None, parameter.key
        assert parameter.read(text[1]) == parameter.default
    for metric in METRICS:
        assert f"`{metric}`" in README


def test_every_setting_is_in_the_readme_with_its_default():
    for name, variable in VARIABLES.items():
        row = re.search(rf"^\| `{variable}` \|.*\|$", README, re.M)
        assert row is not None, variable
        default = getattr(Settings(), name)
        assert not default or f"`{default}`" in row[0]


def test_the_continuous_integration_runs_the_readmes_own_test_command():
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"<!-- test command -->\n```sh\npython3 -m venv .*pytest -n 2\n```", README)


def test_every_filter_of_the_readme_can_be_read():
    from expctl.filters.parse import parse

    shown = re.findall(r'^expctl (?:list|best) --filter "(.+?)"', README, re.M)
    shown += re.findall(r'^expctl (?:gate|compare) "(.+?)"(?: "(.+?)")?', README, re.M)[0][:1]
    assert len(shown) >= 4
    for text in shown:
        parse(text)


def test_what_the_readme_says_of_names_and_columns_is_the_code_s():
    from expctl.analysis.columns import AGGREGATES
    from expctl.filters.resolve import known_field
    from expctl.records import STATUSES
    from expctl.tracking.readers.sqlite import REVISIONS

    names = re.search(r"an attribute \((.*?)\), else", README)
    assert names is not None
    for name in re.findall(r"`(\w+)`", names[1]):
        field = known_field(name, lambda key: ())
        assert field is not None
        assert field.space == "attributes", name
    for word in (*STATUSES, *(f"{function}(" for function in AGGREGATES), *REVISIONS.values()):
        assert word in README, word


def test_every_finding_of_the_data_guard_is_in_the_readme():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", README.split("| parameter | counts |")[1].split("\n\n")[0], re.M)
    assert rows == [(key, check.counts) for key, check in DATA_ISSUES.items()]
