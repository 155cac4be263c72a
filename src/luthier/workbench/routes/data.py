"""Which data, and what is wrong with them?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel

from luthier.language import language
from luthier.workbench import uploads
from luthier.workbench.asked import Asked, check_source
from luthier.workbench.bench import Bench

_MOST_BYTES = 20 * 2**30
"""What data.max_bytes allows where nobody says."""


class Check(BaseModel):
    asked: Asked
    fresh: bool = False


def add_data_routes(app: FastAPI, bench: Bench) -> None:
    @app.put("/api/uploads")
    async def upload(request: Request, name: str) -> dict[str, Any]:
        path = await uploads.keep(name, request.stream(), bench.runs, _MOST_BYTES)
        return {"data": str(path)}

    @app.get("/api/uploads")
    def uploaded() -> list[dict[str, Any]]:
        return uploads.listed(bench.runs)

    @app.post("/api/samples")
    def samples() -> list[dict[str, str]]:
        return [{"data": str(path), "label": uploads.SAMPLE_LABEL} for path in uploads.samples(bench.runs)]

    @app.get("/api/data")
    def look(data: str) -> dict[str, Any]:
        return uploads.looked_at(check_source(data))

    @app.post("/api/check")
    def check(body: Check) -> dict[str, Any]:
        words = [*body.asked.data_words(), *body.asked.model_words()]
        return bench.jobs.once("check", words, language(), fresh=body.fresh).as_json()

    @app.post("/api/fix")
    def fix(body: Check) -> dict[str, Any]:
        source = Path(body.asked.data)
        folder = bench.runs / uploads.FOLDER
        folder.mkdir(exist_ok=True)
        out = next(
            path
            for n in range(1, 10_000)
            if not (path := folder / f"{source.stem}-mended{'' if n == 1 else f'-{n}'}{source.suffix}").exists()
        )
        return bench.jobs.start("check", [*body.asked.data_words(), "--fix", str(out)], language()).as_json()
