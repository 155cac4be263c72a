"""Rows of a database: an address as SQLAlchemy takes, and a query. Read only, streamed."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from luthier.errors import ConfigError, DataError, LuthierError, Place, did_you_mean, shown, without_secrets
from luthier.extras import has, need
from luthier.language import t
from luthier.reading.elsewhere.addresses import ANSWER_SECONDS, LateError, host_of, in_time
from luthier.reading.source import no_such_file
from luthier.types import Row

_DRIVERS = {
    "postgresql": "'psycopg[binary]'", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pyodbc",
    "oracle": "oracledb", "sqlite": "sqlite3",
}  # fmt: skip
"""By the kind of database, what pip must install; Python brings SQLite's."""
_PATIENT = ("postgresql", "mysql", "mariadb")
"""Drivers that take connect_timeout, in seconds."""
_BATCH = 1000
_PEEK = 100


class Answer:
    """What a query gives. name: the address without secrets. columns, first: as in a Table. rows: can be drawn once."""

    def __init__(self, named: str, address: str, query: str | None) -> None:
        """named: the address as the user wrote it.

        Errors: ConfigError without a query, or for one that the database refuses; DataError where it cannot be had.
        """
        self.name = without_secrets(named)
        if query is None or not query.strip():
            what = t("{address} is a database, and no query is given", address=self.name)
            raise ConfigError.at("data.query", what, "'data.query=select text, label from …'", code="no-query")
        self._hash = hashlib.sha256(query.encode())
        stream = self._stream(plain_address(address), query)
        self.columns: tuple[str, ...] = next(stream)
        first = list(islice(stream, _PEEK))
        if not first:
            raise DataError.at(self.name, t("the query gives no rows"), t("check its conditions"), code="no-rows")
        self.first = tuple(row.values for row in first)
        self.rows: Iterator[Row] = chain(first, stream)

    def digests(self) -> dict[str, str]:
        """SHA-256 over query and rows; known once all rows were drawn."""
        return {self.name: self._hash.hexdigest()}

    def _stream(self, address: str, query: str) -> Iterator[Any]:
        """First the columns' names, then the rows."""
        alchemy: Any = need("sqlalchemy")
        with told(alchemy, address, self.name):
            url = alchemy.make_url(address)
            with connected(engine_at(alchemy, url), url, self.name) as connection:
                if url.get_backend_name() == "postgresql":
                    connection = connection.execution_options(postgresql_readonly=True)
                result = connection.execution_options(stream_results=True, yield_per=_BATCH).exec_driver_sql(query)
                columns = _columns(result)
                yield columns
                for number, record in enumerate(result):
                    values = tuple(map(_plain, record))
                    self._hash.update(repr(values).encode("utf-8", "surrogatepass"))
                    yield Row(dict(zip(columns, values, strict=True)), Place(self.name, number + 1), number)


def _columns(result: Any) -> tuple[str, ...]:
    if not result.returns_rows:
        raise _bad_query(t("it gives no rows: is it a select?"))
    columns = tuple(map(str, result.keys()))
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise _bad_query(t("{name} is the name of several columns", name=shown(twice)))
    return columns


def engine_at(alchemy: Any, url: Any, *, writes: bool = False) -> Any:
    """Unless it writes, SQLite is kept from creating a file that does not exist."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        path = Path(url.database or ":memory:")
        if not path.is_file() and not writes:
            raise no_such_file(path)
        where = f"file:{quote(str(path))}?mode={'rwc' if writes else 'ro'}"
        options = {"creator": lambda: sqlite3.connect(where, uri=True, timeout=ANSWER_SECONDS)}
        return alchemy.create_engine("sqlite://", poolclass=alchemy.pool.NullPool, **options)
    if url.drivername == "postgresql":
        driver = "psycopg2" if has("psycopg2") and not has("psycopg") else "psycopg"
        url = url.set(drivername=f"postgresql+{driver}")
    patience = {"connect_timeout": int(ANSWER_SECONDS)} if backend in _PATIENT else {}
    return alchemy.create_engine(url, connect_args=patience, poolclass=alchemy.pool.NullPool)


def connected(engine: Any, url: Any, name: str) -> Any:
    """A connection, in time. Errors: DataError where the server is late."""
    if url.get_backend_name() == "sqlite":
        return engine.connect()  # its connections stay in their thread
    try:
        return in_time(lambda _: engine.connect())
    except LateError:
        raise _unreachable(name, t("no answer in time")) from None


def plain_address(address: str) -> str:
    """As SQLAlchemy calls it."""
    return address.replace("postgres://", "postgresql://", 1)


@contextmanager
def told(alchemy: Any, address: str, name: str, refused: Callable[[str], LuthierError] | None = None) -> Iterator[None]:
    """Turns what the libraries raise into errors with a remedy. refused: what is said where the database does not do
    what it is asked; of a query of the user's, if None."""
    refused = refused or _bad_query
    scheme = address.partition("://")[0]
    try:
        yield
    except LuthierError:
        raise
    except alchemy.exc.NoSuchModuleError:
        what = t("'{scheme}' is no kind of address that can be read", scheme=scheme)
        raise DataError.at(name, what, did_you_mean(scheme, _DRIVERS), code="unknown-scheme") from None
    except (alchemy.exc.ArgumentError, ValueError) as error:
        raise DataError.at(name, _reason(error), t("check the address"), code="unknown-scheme") from None
    except ModuleNotFoundError as error:
        what = t("{module} is not installed, which '{scheme}' addresses need", module=error.name, scheme=scheme)
        fix = f"pip install {_DRIVERS.get(scheme.partition('+')[0], error.name)}"
        raise DataError.at(name, what, fix, code="missing-extra") from None
    except alchemy.exc.DBAPIError as error:
        # of one that has no statement the connection failed
        raise (_unreachable(name, _reason(error)) if error.statement is None else refused(_reason(error))) from None
    except alchemy.exc.SQLAlchemyError as error:
        raise refused(_reason(error)) from None


def _unreachable(name: str, reason: str) -> DataError:
    what = t("{host} ({scheme}) cannot be reached: {reason}",
             host=host_of(name), scheme=name.partition("://")[0], reason=reason)  # fmt: skip
    return DataError.at(name, what, t("check host and port, or export the rows to a file"), code="unreachable")


def _bad_query(reason: str) -> ConfigError:
    what = t("the query is not one that can be read: {reason}", reason=reason)
    return ConfigError.at("data.query", what, t("try it in the database's own shell"), code="bad-query")


def _reason(error: Any) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return shown(lines[0] if lines else type(error).__name__, 160)


def _plain(value: Any) -> Any:
    """Numbers and dates with all that was written."""
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)):
        return str(value).removesuffix(" 00:00:00")
    return value
