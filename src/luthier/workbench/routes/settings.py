"""How to train: what there is to choose from, which model, will it fit, how long will it take?"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from luthier.language import language
from luthier.workbench.asked import Asked
from luthier.workbench.bench import TRAIN, Bench
from luthier.workbench.choices import choices
from luthier.workbench.jobs import command_text


class Plan(BaseModel):
    """probe: whether a few real steps confirm it."""

    asked: Asked
    probe: bool = False


class Rank(BaseModel):
    asked: Asked


def add_settings_routes(app: FastAPI, bench: Bench) -> None:
    @app.get("/api/choices")
    def choose() -> dict[str, Any]:
        return choices()

    @app.post("/api/plan")
    def plan(body: Plan) -> dict[str, Any]:
        words = [*body.asked.words(), *(() if body.probe else ("--no-probe",))]
        return bench.jobs.once("plan", words, language()).as_json()

    @app.post("/api/models")
    def models(body: Rank) -> dict[str, Any]:
        return bench.jobs.once("models", body.asked.data_words(), language()).as_json()

    @app.post("/api/command")
    def command(body: Rank) -> dict[str, str]:
        """What the training would be in a terminal."""
        words = body.asked.training_words(bench.runs)[:-2]
        return {"command": command_text(TRAIN, words)}
