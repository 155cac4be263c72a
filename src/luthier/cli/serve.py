"""luthier serve: a tuned model over HTTP."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_error
from luthier.cli.options import Quiet, RunFolder
from luthier.errors import LuthierError
from luthier.language import t

if TYPE_CHECKING:
    from luthier.searching.index import Index


def serve(
    run: RunFolder,
    host: Annotated[str, typer.Option(help=t("address to listen on"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=t("0 takes a free one"))] = 8000,
    index: Annotated[Path | None, typer.Option(help=t("a folder of luthier index, for /search"))] = None,
    quiet: Quiet = False,
) -> int:
    from luthier.extras import require
    from luthier.models.run import needed

    require("fastapi", "uvicorn", *needed(run))
    opened = _open_index(run, index) if index is not None else None
    listener = _listen(host, port)
    import uvicorn

    from luthier.production.serve import make_app

    failures: list[LuthierError] = []
    address = f"http://{host}:{listener.getsockname()[1]}"
    screen = Console(quiet=quiet)

    def load():
        from luthier.inference.artifact import load_artifact
        from luthier.writer import Writer

        predictor = load_artifact(run)
        if isinstance(predictor.codec.task, Writer) and (predictor.codec.task.writes or predictor.codec.task.chooses):
            told = {"address": f"{address}/v1", "name": predictor.name}
            screen.say("  " + t("for OpenAI's clients: base_url={address} model={name}", **told))
        return predictor

    def fail(error: LuthierError) -> None:
        failures.append(error)
        server.should_exit = True

    app = make_app(load, fail, opened)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=30))
    if host not in ("127.0.0.1", "::1", "localhost"):
        screen.warn(t("{host} can be reached from other machines, and this server asks nobody for a key", host=host))
    screen.say(t("serving {run} on {address}", run=run, address=address))
    screen.say(f"  curl -s {address}/predict -H 'content-type: application/json' -d '{{\"inputs\": [\"…\"]}}'")
    if opened is not None:
        screen.say(f"  curl -s {address}/search -H 'content-type: application/json' -d '{{\"inputs\": [\"…\"]}}'")
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn drains, then raises the signal again: whoever asked this server to stop gets an exit code of 0
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    if failures:
        print_error(failures[0], as_json=False)
        return failures[0].exit_code
    return 0


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


def _listen(host: str, port: int):
    import socket

    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        fix = t("choose another --port; 0 takes a free one")
        raise LuthierError.at(f"{host}:{port}", error.strerror or str(error), fix, code="port-in-use") from None
    return listener
