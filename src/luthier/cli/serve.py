"""luthier serve: tuned models over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_error
from luthier.cli.options import Precision, Quiet
from luthier.errors import ConfigError, LuthierError
from luthier.language import t

if TYPE_CHECKING:
    from luthier.inference.artifact import Predictor
    from luthier.recording.recorder import Recorder
    from luthier.recording.store import Store
    from luthier.searching.index import Index

_LOCAL = ("127.0.0.1", "::1", "localhost")


def serve(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help=t("runs' folders, or model folders"))],
    host: Annotated[str, typer.Option(help=t("address to listen on"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=t("0 takes a free one"))] = 8000,
    index: Annotated[Path | None, typer.Option(help=t("a folder of luthier index, for /search"))] = None,
    api_keys: Annotated[
        Path | None, typer.Option(help=t("a file with one key a line; also LUTHIER_API_KEYS, with commas"))
    ] = None,
    insecure_no_key: Annotated[
        bool, typer.Option("--insecure-no-key", help=t("other machines may ask without a key"))
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help=t("seconds after which a request is given up"))] = 30.0,
    patience: Annotated[
        float, typer.Option(min=0.01, help=t("refuse what would wait longer for its turn, in seconds"))
    ] = 2.0,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help=t("another limit, such as connections=200; as often as you like")),
    ] = None,
    metrics: Annotated[
        bool | None, typer.Option(help=t("GET /metrics for Prometheus; by default on this machine alone"))
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help=t("a line of JSON a request on stderr, without its texts"))
    ] = False,
    docs: Annotated[
        bool | None, typer.Option(help=t("GET /docs and /openapi.json; by default on this machine alone"))
    ] = None,
    precision: Precision = "fp32",
    record: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help=t("keep what is answered, without its texts, in sqlite:///… or postgresql://…")
        ),
    ] = None,
    record_texts: Annotated[
        bool, typer.Option("--record-texts", help=t("with --record: inputs and answers, too"))
    ] = False,
    record_vectors: Annotated[
        bool, typer.Option("--record-vectors", help=t("with --record: what the model makes of some inputs, too"))
    ] = False,
    feedback: Annotated[
        bool, typer.Option("--feedback", help=t("with --record: clients may send texts with what is right"))
    ] = False,
    quiet: Quiet = False,
) -> int:
    from luthier.extras import require
    from luthier.models.run import needed, refuse_rejected

    for run in runs:
        require("fastapi", "uvicorn", "prometheus_client", *needed(run))
        refuse_rejected(run)
    _check_names(runs)
    opened = _open_index(runs[0], index) if index is not None else None
    from luthier.production.door import LOCAL_NAMES, read_keys
    from luthier.production.limits import Limits, with_limits
    from luthier.production.serve import make_app
    from luthier.production.sockets.server import DRAIN, make_server
    from luthier.production.watching.journal import Journal

    limits = with_limits(Limits(seconds=timeout, patience=patience), limit or ())
    keys = read_keys(api_keys, os.environ.get("LUTHIER_API_KEYS"))
    local = host in _LOCAL
    _check_keys(host, keyless=not local and not keys, allowed=insecure_no_key)
    wanted = record_texts or record_vectors or feedback
    store = _open_store(record, wanted=wanted)
    listener = listen(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    screen = Console(quiet=quiet)
    failures: list[LuthierError] = []

    def fail(error: LuthierError) -> None:
        failures.append(error)
        server.should_exit = True

    recorder = _recorder(store, runs, screen, texts=record_texts, vectors=record_vectors)
    app = make_app(
        [_loader(run, address, screen, precision) for run in runs], fail, opened,
        limits=limits, keys=keys, hosts=LOCAL_NAMES if local else (),
        journal=Journal(sys.stderr) if log else None, metrics=local if metrics is None else metrics,
        docs=local if docs is None else docs, recorder=recorder, feedback=feedback,
    )  # fmt: skip
    server: Any = make_server(app, screen, limits)
    if not local and not keys:
        screen.warn(t("{host} can be reached from other machines, and this server asks nobody for a key", host=host))
    screen.say(t("serving {run} on {address}", run=", ".join(map(str, runs)), address=address))
    _say_how_to_ask(address, screen, keyed=bool(keys), searches=opened is not None)
    server.run(sockets=[listener])
    if recorder is not None:
        recorder.stop(DRAIN)
    if failures:
        print_error(failures[0], as_json=False)
        return failures[0].exit_code
    return 0


def _open_store(record: str | None, *, wanted: bool) -> Store | None:
    """wanted: whether an option says what to record. Errors: ConfigError, DataError where it cannot be had."""
    if record is None:
        if wanted:
            what = t("nothing is recorded without an address")
            raise ConfigError.at("luthier serve", what, t("add --record sqlite:///answers.db"), code="conflict")
        return None
    from luthier.recording.store import Store

    return Store(record, writes=True)


def _recorder(
    store: Store | None, runs: Sequence[Path], screen: Console, *, texts: bool, vectors: bool
) -> Recorder | None:
    if store is None:
        return None
    from luthier.recording.recorder import Recorder

    named = {run.resolve().name: run for run in runs}
    screen.say(t("what is answered is recorded in {address}", address=store.name))
    return Recorder(store, named, screen.warn, texts=texts, vectors=vectors)


def _check_keys(host: str, *, keyless: bool, allowed: bool) -> None:
    """keyless: whether other machines may ask and nobody is asked for a key. Errors: ConfigError where that is not
    allowed."""
    if keyless and not allowed:
        what = t("other machines can reach it, and there is no key")
        fix = t("--api-keys FILE or LUTHIER_API_KEYS, or --insecure-no-key behind a proxy that asks for one")
        raise ConfigError.at(f"--host {host}", what, fix, code="no-key")


def _say_how_to_ask(address: str, screen: Console, *, keyed: bool, searches: bool) -> None:
    bearer = " -H 'authorization: Bearer KEY'" if keyed else ""
    for route in ("predict", *(("search",) if searches else ())):
        screen.say(
            f"  curl -s {address}/{route}{bearer} -H 'content-type: application/json' -d '{{\"inputs\": [\"…\"]}}'"
        )


def _loader(run: Path, address: str, screen: Console, precision: str) -> Callable[[], Predictor]:
    def load() -> Predictor:
        from luthier.inference.artifact import load_artifact
        from luthier.writer import Writer

        predictor = load_artifact(run, precision=precision)
        if precision == "fp32":
            from luthier.inference.golden.rows import check_golden
            from luthier.models.run import model_folder

            check_golden(predictor, model_folder(run))
        if isinstance(predictor.codec.task, Writer) and (predictor.codec.task.writes or predictor.codec.task.chooses):
            told = {"address": f"{address}/v1", "name": predictor.name}
            screen.say("  " + t("for OpenAI's clients: base_url={address} model={name}", **told))
        return predictor

    return load


def _check_names(runs: Sequence[Path]) -> None:
    """Errors: ConfigError for two of one name, by which clients choose."""
    names = [run.resolve().name for run in runs]
    for name in names:
        if names.count(name) > 1:
            what, fix = t("two models have the name {name}", name=name), t("rename one of the folders")
            raise ConfigError.at("RUN", what, fix, code="name-twice")


def _open_index(run: Path, folder: Path) -> Index:
    """Errors: ModelError where there is no index, or one of another model."""
    from luthier.errors import ModelError
    from luthier.production.indexing import weights_digest
    from luthier.searching.index import open_index

    index = open_index(folder)
    if index.model != weights_digest(run):
        what, fix = t("was made by another model than {run}", run=run), t("build it again with this one")
        raise ModelError.at(str(folder), what, fix, code="other-model")
    return index


def listen(host: str, port: int):
    """A socket that others may connect to already. Errors: LuthierError where the port is taken."""
    import socket

    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # who comes before the server runs waits, and is not turned away
    except OSError as error:
        fix = t("choose another --port; 0 takes a free one")
        raise LuthierError.at(f"{host}:{port}", error.strerror or str(error), fix, code="port-in-use") from None
    return listener
