"""The application behind the page: it reads folders, starts commands, and answers this machine's own browser alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from luthier.errors import LuthierError
from luthier.production.door import LOCAL_NAMES, Door
from luthier.production.requests import tell_errors
from luthier.workbench.bench import Bench
from luthier.workbench.guard import Guard
from luthier.workbench.routes.data import add_data_routes
from luthier.workbench.routes.jobs import add_job_routes
from luthier.workbench.routes.models import add_compare_routes, add_model_routes, add_serving_routes
from luthier.workbench.routes.runs import add_run_routes
from luthier.workbench.routes.settings import add_settings_routes

STATIC = Path(__file__).with_name("static")


def make_app(runs: Path, token: str, port: int) -> FastAPI:
    """runs: the folder in which they lie. token: without which nothing is told. port: on which it will listen."""
    bench = Bench(runs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        bench.jobs.close()

    app = FastAPI(title="Luthier", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    tell_errors(app)

    @app.exception_handler(LuthierError)
    async def tell(_: Request, error: LuthierError) -> JSONResponse:
        return JSONResponse({"problems": [problem.as_json() for problem in error.problems]}, 422)

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    for add in (add_data_routes, add_settings_routes, add_run_routes, add_job_routes, add_model_routes,
                add_serving_routes, add_compare_routes):  # fmt: skip
        add(app, bench)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, token=token, port=port)
    app.add_middleware(Door, hosts=LOCAL_NAMES)
    return app
