"""Addresses are fetched within bounds, and refused in seconds with scheme and host; secrets reach no message."""

import gc
import hashlib
import http.server
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.errors import DataError, Problem, printable, without_secrets
from luthier.reading.elsewhere import addresses
from luthier.reading.open import named_parts, open_data
from luthier.reading.read import ReadOptions
from luthier.types import Row

pytest.importorskip("fsspec")
CONTENT = b"text,label\n" + b"".join(b"row %d,x\n" % i for i in range(2000))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /good.csv; /cut.csv says more than it sends; /stalled.csv never goes on; everything else is not there."""

    stop = threading.Event()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/silent.csv":
            self.stop.wait(20)
            return
        known = {"/good.csv": len(CONTENT), "/cut.csv": 2 * len(CONTENT), "/stalled.csv": 2 * len(CONTENT)}
        if path not in known:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(known[path]))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(CONTENT)
            if path == "/stalled.csv":
                self.wfile.flush()
                self.stop.wait(20)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        Handler.stop.set()
        running.shutdown()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(addresses, "STALL_SECONDS", 0.3)


def refused(named: str, **options: object) -> Problem:
    begin = time.monotonic()
    with pytest.raises(DataError) as caught:
        open_data(named, ReadOptions(**options))
    assert time.monotonic() - begin < 5
    (problem,) = caught.value.problems
    return problem


def test_a_file_behind_an_address_is_read_hashed_and_not_kept(server: str) -> None:
    before = set(Path(tempfile.gettempdir()).glob("luthier-*"))
    table = open_data(f"{server}/good.csv")
    rows = [row for row in table.rows if isinstance(row, Row)]
    assert len(rows) == 2000
    assert str(rows[0].place) == f"{server}/good.csv:2"
    assert table.digests() == {f"{server}/good.csv": hashlib.sha256(CONTENT).hexdigest()}
    assert set(Path(tempfile.gettempdir()).glob("luthier-*")) == before
    abandoned = open_data(f"{server}/good.csv")
    del abandoned
    gc.collect()
    assert set(Path(tempfile.gettempdir()).glob("luthier-*")) == before


def test_a_file_that_is_not_there_is_told_with_the_host(server: str) -> None:
    problem = refused(f"{server}/gone.csv")
    assert problem.code == "no-such-file" and "127.0.0.1" in problem.what


def test_a_file_above_the_bound_is_refused(server: str) -> None:
    problem = refused(f"{server}/good.csv", max_bytes=1000)
    assert problem.code == "too-large" and "data.max_bytes" in problem.fix


@pytest.mark.parametrize("name", ["silent.csv", "stalled.csv", "cut.csv"])
def test_a_server_that_stalls_or_lies_is_left_in_time(name: str, server: str, impatient: None) -> None:
    problem = refused(f"{server}/{name}")
    assert problem.code == "unreachable"
    assert "127.0.0.1" in problem.what and "http" in problem.what


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = refused(f"http://127.0.0.1:{port}/a.csv")
    assert problem.code == "unreachable" and "127.0.0.1 (http)" in problem.what


@pytest.mark.parametrize("named", ["gopher://example.com/a.csv", "htp://example.com/a.csv", "memory://a.csv"])
def test_an_unknown_scheme_is_refused_without_asking_anybody(named: str) -> None:
    problem = refused(named)
    assert problem.code == "unknown-scheme" and f"'{named.partition(':')[0]}'" in problem.what


@pytest.mark.parametrize(("named", "package"), [("s3://bucket/a.csv", "s3fs"), ("gs://bucket/a.csv", "gcsfs"),
                                                ("oss://bucket/a.csv", "ossfs")])  # fmt: skip
def test_a_scheme_whose_library_is_missing_names_it(named: str, package: str) -> None:
    if __import__("importlib.util").util.find_spec(package):
        pytest.skip(f"{package} is installed")
    problem = refused(named)
    assert problem.code == "missing-extra" and problem.fix == f"pip install {package}"


def test_secrets_in_addresses_reach_no_message(server: str) -> None:
    host = server.removeprefix("http://")
    problem = refused(f"http://anna:s3cret@{host}/gone.csv?token=s3cret&page=2")
    assert "s3cret" not in str(problem) + str(problem.as_json()) and "anna" not in str(problem)
    assert f"http://***@{host}/gone.csv?token=***&page=2" in str(problem)
    table = open_data(f"http://{host}/good.csv?X-Amz-Signature=s3cret")
    assert "s3cret" not in table.name + str(next(table.rows)) + str(table.digests())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://anna:pw@db/x", "postgresql://***@db/x"),
        ("https://h/a?api_key=abc&b=1", "https://h/a?api_key=***&b=1"),
        ("s3://key:secret@bucket/a.csv", "s3://***@bucket/a.csv"),
        ("postgresql://me:${DB_PASSWORD}@db/x", "postgresql://me:${DB_PASSWORD}@db/x"),
        ("write to anna@example.com", "write to anna@example.com"),
        ("https://example.com/@anna", "https://example.com/@anna"),
    ],
)
def test_what_is_a_secret_in_an_address(text: str, shown: str) -> None:
    assert without_secrets(text) == printable(text) == shown


def test_variables_of_the_environment_stand_for_secrets(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILE_NAME", "good")
    assert len(list(open_data(server + "/${FILE_NAME}.csv").rows)) == 2000
    problem = refused(server + "/${NO_SUCH_NAME}.csv")
    assert problem.code == "no-login" and "NO_SUCH_NAME" in problem.what


def test_a_stored_address_without_its_login_is_told_as_one() -> None:
    assert refused("https://***@example.com/a.csv").code == "no-login"


def test_a_hub_name_offline_says_what_to_do_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for named in ("hf://datasets/owner/name", "owner/name"):
        problem = refused(named)
        assert problem.code == "unreachable" and "127.0.0.1" in problem.what
        assert "hf download --repo-type dataset owner/name --local-dir name" in problem.fix
    assert not list(tmp_path.iterdir())


def test_a_hub_data_set_on_this_machine_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "datasets--owner--name"
    snapshot = folder / "snapshots" / ("0" * 40) / "data"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)
    for part in ("train", "test"):
        (snapshot / f"{part}-00000-of-00001.csv").write_text(f"text,label\n{part},x\n")
    parts = named_parts("owner/name")
    assert set(parts.names) == {"train", "test"}
    (row,) = open_data("hf://datasets/owner/name/data/test-00000-of-00001.csv").rows
    assert isinstance(row, Row) and row.values["text"] == "test"
    (single,) = named_parts("hf://datasets/owner/name/data/train-00000-of-00001.csv").names["train"]
    assert Path(single).name == "train-00000-of-00001.csv"


def test_modelscope_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if __import__("importlib.util").util.find_spec("modelscope"):
        pytest.skip("modelscope is installed")
    problem = refused("modelscope://owner/name")
    assert problem.code == "missing-extra" and problem.fix == "pip install modelscope"


def test_an_address_of_no_data_set_is_told() -> None:
    assert refused("hf://datasets/alone").code == "no-such-file"


def test_a_path_with_one_folder_is_no_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert refused("data/tickets").code == "no-such-file"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
