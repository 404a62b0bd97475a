"""The releases that pyproject.toml allows: those of .ci/lowest.txt, which `bash .ci/lowest` tests, and later ones."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_lowest_releases_that_are_tested_are_those_that_are_allowed() -> None:
    """Of what people install, by extras too; tools of development are the newest."""
    extras = PROJECT["optional-dependencies"]
    needed = PROJECT["dependencies"] + extras["dask"] + extras["lightgbm"] + extras["xgboost"]
    lower = [
        f"{one.name}=={limit.version}"
        for one in map(Requirement, needed)
        for limit in one.specifier
        if limit.operator == ">="
    ]
    tested = (ROOT / ".ci" / "lowest.txt").read_text().splitlines()
    # The smaller package of the same library, which the tools of development have.
    lower = [line.replace("xgboost==", "xgboost-cpu==") for line in lower]
    assert [line for line in tested if not line.startswith("#")] == lower
    assert len(lower) == len(needed)


def test_every_upper_limit_says_which_release_breaks() -> None:
    """SPEC 0: a limit that only fears a release keeps people from it."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    limited = [line for line in lines if re.match(r"""\s*"[\w\[\]-]+[<>=].*<\d""", line)]
    assert [line for line in limited if "breaks" not in line] == []
    assert "<" not in PROJECT["requires-python"]
