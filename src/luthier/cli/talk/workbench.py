"""luthier ui: all of it in the browser, on this machine only."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Quiet
from luthier.language import t

_HOST, _PORT = "127.0.0.1", 8730
_DRAIN = 2
"""Seconds that the page's last questions are waited for."""


def ui(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help=t("0 takes a free one"))] = _PORT,
    folder: Annotated[
        Path, typer.Option("--folder", file_okay=False, help=t("where the runs lie, and new ones are put"))
    ] = Path("runs"),
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help=t("only print the address, open no browser"))
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.extras import require

    require("fastapi", "uvicorn", "torch", "transformers", "peft")
    from luthier.cli.serve import listen
    from luthier.files import disk_trouble
    from luthier.workbench.app import make_app

    with disk_trouble(folder):
        folder.mkdir(parents=True, exist_ok=True)
    listener = listen(_HOST, port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    address = f"http://{_HOST}:{port}/?token={token}"
    screen = Console(json=json, quiet=quiet)
    if json:
        print_json({"address": address})
    screen.say(t("open {address}", address=address))
    screen.say(t("Ctrl-C ends the page and the servers that it started; trainings go on, and are found again"))
    _serve(make_app(folder, token, port), listener, None if no_browser else address)


def _serve(app: Any, listener: Any, address: str | None) -> None:
    """address: opened in a browser once the server answers; None for none."""
    import threading
    import webbrowser

    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if address is not None:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_DRAIN)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # uvicorn ends in peace, then raises once more what it was ended by
    Server(config).run(sockets=[listener])
