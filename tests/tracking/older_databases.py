"""Databases as older MLflows left them: tables by MLflow's own migrations, rows from the files in `stores`."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy

from expctl import compat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

STORES: Final = Path(__file__).parent / "stores"


def make_older(address: str, version: str) -> None:
    """Give an empty database the tables and the rows of an MLflow of a version."""
    with _in_memory() as dump, compat.engine(address) as engine:
        script = gzip.decompress((STORES / f"mlflow-{version}.sql.gz").read_bytes()).decode()
        dump.connection.executescript(script)  # type: ignore[attr-defined]
        (revision,) = dump.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalars()
        _make_tables(engine, revision)
        tables = sqlalchemy.MetaData()
        tables.reflect(engine)
        with engine.begin() as database:
            if engine.dialect.name == "mysql":  # which takes a 0 for the next number
                database.execute(sqlalchemy.text("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"))
            for table in tables.sorted_tables:
                if table.name != "alembic_version":
                    rows = dump.execute(sqlalchemy.text(f"SELECT * FROM {table.name}")).mappings().all()
                    if rows:
                        database.execute(table.insert(), [dict(row) for row in rows])


@contextmanager
def _in_memory() -> Iterator[Connection]:
    memory = sqlalchemy.create_engine("sqlite://")
    try:
        with memory.connect() as database:
            yield database
    finally:
        memory.dispose()  # else the connection is left to be collected, of which Python 3.13 warns


def _make_tables(engine: Engine, revision: str) -> None:
    from alembic import command
    from alembic.config import Config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    if engine.dialect.name == "mysql":  # MariaDB's default has no Japanese
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"ALTER DATABASE {engine.url.database} CHARACTER SET utf8mb4"))
    Base.metadata.create_all(engine)
    config = Config()
    config.set_main_option("script_location", str(compat.migrations()))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
