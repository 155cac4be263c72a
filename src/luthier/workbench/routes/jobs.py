"""What became of a command?"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from luthier.language import t
from luthier.production.requests import Refusal
from luthier.workbench.bench import Bench
from luthier.workbench.jobs import Job


def add_job_routes(app: FastAPI, bench: Bench) -> None:
    @app.get("/api/jobs/{id}")
    def job(id: str) -> dict[str, Any]:
        return _job(bench, id).as_json()

    @app.post("/api/jobs/{id}/stop")
    def stop(id: str) -> dict[str, Any]:
        found = _job(bench, id)
        bench.jobs.stop(found)
        return found.as_json()


def _job(bench: Bench, id: str) -> Job:
    found = bench.jobs.get(id)
    if found is None:
        raise Refusal(404, t("the server was started anew and knows nothing of this"), code="no-such-job")
    return found
