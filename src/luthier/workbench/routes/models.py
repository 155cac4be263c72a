"""What does the model say, in which form is it handed over, where does it answer?"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from luthier.errors import RunError
from luthier.language import language, t
from luthier.workbench.bench import SERVE, Bench
from luthier.workbench.routes.runs import exports_of, paper
from luthier.workbench.serving import served
from luthier.workbench.trying import asked_of


class Question(BaseModel):
    run: str
    given: dict[str, str]
    why: bool = False


class Export(BaseModel):
    run: str
    form: str


class Serve(BaseModel):
    """form: of an export of the run; the run itself where empty."""

    run: str
    form: str = ""


class Compare(BaseModel):
    runs: list[str]


def add_model_routes(app: FastAPI, bench: Bench) -> None:
    @app.get("/api/fields")
    def fields(run: str) -> dict[str, Any]:
        return asked_of(bench.path(run))

    @app.post("/api/predict")
    def predict(body: Question) -> dict[str, Any]:
        return bench.models.ask(bench.path(body.run), body.given, why=body.why)

    @app.get("/api/exports")
    def exports(run: str) -> dict[str, Any]:
        jobs = [job.as_json() for job in bench.jobs.of("export", run=run)]
        return {"made": exports_of(bench, run), "jobs": jobs}

    @app.post("/api/export")
    def export(body: Export) -> dict[str, Any]:
        words = [str(bench.path(body.run)), "--format", body.form]
        same = [job for job in bench.jobs.of("export", run=body.run) if job.state == "running"]
        found = next((job for job in same if job.words == tuple(words)), None)
        return (found or bench.jobs.start("export", words, language(), run=body.run)).as_json()


def add_serving_routes(app: FastAPI, bench: Bench) -> None:
    @app.get("/api/servers")
    def servers() -> list[dict[str, Any]]:
        return [served(job) for job in bench.jobs.of(SERVE)]

    @app.post("/api/serve")
    def serve(body: Serve) -> dict[str, Any]:
        folder = bench.path(body.run) / ("exports/" + body.form if body.form else "")
        if body.form and body.form not in [one["format"] for one in exports_of(bench, body.run)]:
            what, fix = t("is not exported as {form}", form=body.form), t("export it first")
            raise RunError.at(body.run, what, fix, code="no-such-export")
        words = (str(folder), "--port", "0")
        same = [job for job in bench.jobs.of(SERVE) if job.words == words and job.state == "running"]
        return served(same[0] if same else bench.jobs.start(SERVE, words, language(), run=body.run, json=False))


def add_compare_routes(app: FastAPI, bench: Bench) -> None:
    @app.post("/api/compare")
    def compare(body: Compare) -> dict[str, Any]:
        words = [str(bench.path(name)) for name in body.runs]
        return bench.jobs.once("compare", words, language()).as_json()

    @app.get("/comparison")
    def comparison(id: str) -> HTMLResponse:
        """A comparison that was made, as the page that `luthier compare --out` writes."""
        from luthier.report.judging.compare_page import compare_page

        job = bench.jobs.get(id)
        if job is None or job.kind != "compare" or job.state != "done":
            raise RunError.at("compare", t("no such comparison"), t("compare the runs again"), code="no-such-job")
        return paper(compare_page(job.result))
