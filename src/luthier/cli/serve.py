"""luthier serve: a tuned model over HTTP."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from luthier.cli.console import Console, print_error
from luthier.cli.options import Quiet, RunFolder
from luthier.errors import LuthierError
from luthier.language import t


def serve(
    run: RunFolder,
    host: Annotated[str, typer.Option(help=t("address to listen on"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=t("0 takes a free one"))] = 8000,
    quiet: Quiet = False,
) -> int:
    from luthier.extras import require
    from luthier.models.run import model_folder

    require("fastapi", "uvicorn", "torch", "transformers")
    model_folder(run)
    listener = _listen(host, port)
    import uvicorn

    from luthier.production.serve import make_app

    failures: list[LuthierError] = []

    def load():
        from luthier.inference.artifact import load_artifact

        return load_artifact(run)

    def fail(error: LuthierError) -> None:
        failures.append(error)
        server.should_exit = True

    app = make_app(load, fail)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=30))
    address = f"http://{host}:{listener.getsockname()[1]}"
    screen = Console(quiet=quiet)
    if host not in ("127.0.0.1", "::1", "localhost"):
        screen.warn(t("{host} can be reached from other machines, and this server asks nobody for a key", host=host))
    screen.say(t("serving {run} on {address}", run=run, address=address))
    screen.say(f"  curl -s {address}/predict -H 'content-type: application/json' -d '{{\"inputs\": [\"…\"]}}'")
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn drains, then raises the signal again: whoever asked this server to stop gets an exit code of 0
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    if failures:
        print_error(failures[0], as_json=False)
        return failures[0].exit_code
    return 0


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
