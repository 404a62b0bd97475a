"""What a run says of the packages it was made with: all that is installed but expctl, which no index has."""

from __future__ import annotations

from importlib import metadata

from expctl.tracking.provenance import OURS, packages, read_requirements, requirements


def test_no_run_pins_expctl_whose_name_is_somebody_elses_on_the_index():
    """`pip install -r requirements.txt` would else install a stranger's code."""
    assert OURS[0] in {one.metadata["Name"] for one in metadata.distributions()}
    found = packages()
    assert found["scikit-learn"] == metadata.version("scikit-learn")
    assert found.keys() & set(OURS) == set()
    assert not [line for line in requirements(found).splitlines() if line.startswith("expctl")]


def test_expctl_that_older_runs_pin_is_not_installed_by_isolated_commands():
    ours = "".join(f"{name}==0.1.0\n" for name in OURS)
    assert read_requirements(f"{ours}numpy==2.2.0\n".encode()) == {"numpy": "2.2.0"}
    assert read_requirements(b"expctl-plugin==1.0\n") == {"expctl-plugin": "1.0"}
