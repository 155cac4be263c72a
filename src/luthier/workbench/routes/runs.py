"""Which runs are there, how does one go, what came of it?"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from luthier.errors import RunError
from luthier.language import t
from luthier.registry import delete
from luthier.runfolder import IDENTITY
from luthier.workbench.asked import Asked
from luthier.workbench.bench import TRAIN, Bench
from luthier.workbench.guard import PAPER_POLICY
from luthier.workbench.jobs import command_text
from luthier.workbench.live import Since, live

_LEFT_OUT = ("history", "details", "samples", "findings", "versions")
"""Of report.json what the page does not show; the report does."""


class Train(BaseModel):
    asked: Asked


class Named(BaseModel):
    run: str


def add_run_routes(app: FastAPI, bench: Bench) -> None:
    @app.get("/api/runs")
    def runs() -> list[dict[str, Any]]:
        return bench.entries()

    @app.get("/api/run")
    def run(run: str) -> dict[str, Any]:
        path = bench.path(run)
        if not (path / IDENTITY).is_file():
            return {"name": run, "run": str(path), "state": "starting", "report": {}}
        entry = bench.read(path)
        report = {key: value for key, value in entry.report.items() if key not in _LEFT_OUT}
        return {**bench.entry(entry), "report": report, "has_report": (path / "report.html").is_file()}

    @app.get("/api/live")
    def going(run: str, begun: str = "", at: int = 0, said: int = 0) -> dict[str, Any]:
        path = bench.path(run)
        return live(path, bench.log(run), Since(begun, at, said), starting=bench.working(run) is not None)

    @app.post("/api/train")
    def train(body: Train) -> dict[str, str]:
        body.asked.words()  # a mistake is told before a folder is made
        path = bench.free_path(body.asked.data)
        words = body.asked.training_words(path)
        bench.train(bench.name(path), words)
        return {"run": bench.name(path), "command": command_text(TRAIN, words)}

    @app.post("/api/resume")
    def resume(body: Named) -> dict[str, str]:
        path = bench.path(body.run)
        if bench.working(body.run) is None:
            bench.train(body.run, ["--resume", "--out", str(path)])
        return {"run": body.run}

    @app.post("/api/stop")
    def stop(body: Named) -> dict[str, bool]:
        return {"stopping": bench.stop(body.run)}

    @app.post("/api/delete")
    def remove(body: Named) -> dict[str, int]:
        path = bench.path(body.run)
        bench.models.forget(path)
        size = delete(path)
        bench.log(body.run).unlink(missing_ok=True)
        return {"bytes": size}

    @app.get("/report")
    def report(run: str) -> HTMLResponse:
        """report.html as the run wrote it: it runs nothing and asks for nothing."""
        page = bench.path(run) / "report.html"
        if not page.is_file():
            what, fix = t("has no report yet"), t("it comes with the end of the training")
            raise RunError.at(run, what, fix, code="no-report")
        return paper(page.read_text(encoding="utf-8"))


def paper(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers={"content-security-policy": PAPER_POLICY})


def exports_of(bench: Bench, name: str) -> list[dict[str, Any]]:
    """What lies in the run's exports/, each as its export.json tells it."""
    found: list[dict[str, Any]] = []
    for file in sorted((bench.path(name) / "exports").glob("*/export.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        found.append({**told, "folder": str(file.parent)})
    return found
