"""A database and a query: rows in their order, types as written, nothing changed, every mistake told."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.config.settings import load_settings
from luthier.errors import ConfigError, DataError, LuthierError
from luthier.extras import has
from luthier.reading.open import open_data
from luthier.reading.read import ReadOptions, Table
from luthier.types import Row
from postgres import postgres_server

pytest.importorskip("sqlalchemy")
QUERY = "select body as text, team as label from tickets order by id"
ROWS = [(i, f"ticket {i}", "billing" if i % 2 else "delivery") for i in range(2500)]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("db") / "a b.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table tickets (id integer, body text, team text)")
        connection.executemany("insert into tickets values (?, ?, ?)", ROWS)
    connection.close()
    return f"sqlite:///{path}"


def asked(address: str, query: str | None = QUERY) -> Table:
    return open_data(address, ReadOptions(query=query))


def check_rows(table: Table, address: str) -> None:
    rows = [row for row in table.rows if isinstance(row, Row)]
    assert table.columns == ("text", "label")
    assert [(row.values["text"], row.values["label"]) for row in rows] == [row[1:] for row in ROWS]
    assert (str(rows[0].place), str(rows[-1].place)) == (f"{address}:1", f"{address}:2500")
    assert [row.number for row in rows] == list(range(2500))


def test_sqlite_is_read(sqlite: str) -> None:
    check_rows(asked(sqlite), sqlite)


def test_the_hash_is_that_of_query_and_rows(sqlite: str) -> None:
    def digest(query: str) -> str:
        table = asked(sqlite, query)
        list(table.rows)
        return table.digests()[sqlite]

    assert digest(QUERY) == digest(QUERY)
    assert digest(QUERY) != digest(QUERY + " limit 2499")


def test_nothing_is_written_and_nothing_made(sqlite: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        asked(f"sqlite:///{tmp_path}/new.db")
    assert not list(tmp_path.iterdir())
    for query in ("delete from tickets", "create table x (a int)", "insert into tickets values (1, 'a', 'b')"):
        with pytest.raises(ConfigError):
            asked(sqlite, query)
    check_rows(asked(sqlite), sqlite)


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        (None, "no-query", "no query is given"),
        ("  ", "no-query", "no query is given"),
        ("select nowt from tickets", "bad-query", "no such column"),
        ("selct 1", "bad-query", "syntax error"),
        ("select body, body from tickets", "bad-query", "name of several columns"),
    ],
)
def test_a_query_that_cannot_be_read_is_told_at_its_key(query: str | None, code: str, says: str, sqlite: str) -> None:
    with pytest.raises(ConfigError) as caught:
        asked(sqlite, query)
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.file) == (code, "data.query") and says in problem.what


def test_a_query_without_rows_is_refused(sqlite: str) -> None:
    with pytest.raises(DataError, match="the query gives no rows"):
        asked(sqlite, "select body from tickets where id < 0")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("text,label\n" * 100)
    with pytest.raises(LuthierError, match="not a database"):
        asked(f"sqlite:///{tmp_path}/a.db", "select a from b")


def test_a_database_under_a_text_name_says_how_to_read_it(sqlite: str) -> None:
    with pytest.raises(DataError, match=r"is really a SQLite database\n.*data\.train=sqlite:///"):
        open_data(sqlite.removeprefix("sqlite:///"))


@pytest.mark.parametrize(
    ("address", "code"),
    [("mysqll+x://h/db", "unknown-scheme"), ("oracle://h/db", "missing-extra")],
)
def test_an_address_that_is_none_is_told(address: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        asked(address)
    assert caught.value.problems[0].code == code


def test_a_query_without_a_database_is_a_conflict() -> None:
    with pytest.raises(ConfigError, match=r"data\.query is given, and no database is named"):
        load_settings(None, ["data.train=tickets.csv", "data.query=select 1"])
    load_settings(None, ["data.train=[sqlite:///a.db]", "data.query=select 1"])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        _fill(address)
        yield address


def _fill(address: str) -> None:
    import sqlalchemy

    driver = "psycopg" if has("psycopg") else "psycopg2"
    engine = sqlalchemy.create_engine(address.replace("postgresql:", f"postgresql+{driver}:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table tickets (id int, body text, team text, price numeric(9, 2), day date)")
        connection.execute(
            sqlalchemy.text("insert into tickets values (:id, :body, :team, 1.50, date '2026-03-01')"),
            [{"id": i, "body": body, "team": team} for i, body, team in ROWS],
        )


def public(address: str) -> str:
    return "postgresql://***@" + address.partition("@")[2]


@pytest.mark.slow
def test_postgresql_is_read_streaming_and_without_its_password_in_any_place(postgres: str) -> None:
    check_rows(asked(postgres), public(postgres))
    table = asked(postgres, "select price, day from tickets")
    assert {tuple(row.values.items()) for row in table.rows if isinstance(row, Row)} == {
        (("price", "1.50"), ("day", "2026-03-01"))
    }
    check_rows(
        asked(postgres.replace("postgresql://", "postgres://")), public(postgres).replace("postgresql", "postgres", 1)
    )


@pytest.mark.slow
def test_postgresql_is_only_read(postgres: str) -> None:
    for query in ("delete from tickets", "delete from tickets returning body"):
        with pytest.raises(ConfigError):
            asked(postgres, query)
    check_rows(asked(postgres), public(postgres))


@pytest.mark.slow
def test_what_postgresql_refuses_is_told(postgres: str) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        asked(postgres, "select x from nowhere")
    with pytest.raises(DataError) as caught:
        asked(postgres.replace("/postgres", "/nowhere"))
    assert caught.value.problems[0].code == "unreachable" and "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_is_away_is_told_in_time() -> None:
    if not (has("psycopg") or has("psycopg2")):
        pytest.skip("no psycopg on this machine")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        begin = time.monotonic()
        with pytest.raises(DataError) as caught:
            asked(f"postgresql://anna:s3cret@127.0.0.1:{silent.getsockname()[1]}/db")
    assert time.monotonic() - begin < 7
    assert caught.value.problems[0].code == "unreachable" and "s3cret" not in str(caught.value)
