"""What the topics show is what expctl prints: their sessions run, in this process for speed."""

from __future__ import annotations

import shlex
import shutil

import pytest

from tests.conftest import REVIEWS
from tests.docs.pages import TOPICS, Page, shape


@pytest.mark.parametrize("page", [page for page in TOPICS if page.session()], ids=lambda page: page.name)
def test_the_sessions_of_a_topic_run_and_print_what_it_shows(cli, folder, migrated_store, page: Page):
    (folder / "data").mkdir()
    shutil.copy(REVIEWS, folder / "data")
    shutil.copy(migrated_store, folder / "other.db")
    for command, shown in page.session():
        done = cli(*shlex.split(command))
        assert done.exit_code == 0, done.stderr
        assert shape(done.stdout + done.stderr) == shape(shown), command
