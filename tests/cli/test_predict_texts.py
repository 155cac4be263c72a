"""luthier predict with a model that writes: other settings than it was evaluated with, and a long file interrupted."""

import json
from pathlib import Path

import pytest

from luthier.inference.artifact import Predictor
from production.helpers import saved
from tiny import TinyModels, write_jsonl
from workflow.helpers import luthier

pytestmark = pytest.mark.slow

TEXTS = [f"my parcel is {'late ' * (i % 3)}{i}" for i in range(10)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    place = tmp_path_factory.mktemp("texts")
    saved("sft", models.causal, place, larger=4, max_new_tokens=8)
    rows = [{"messages": [{"role": "user", "content": text}]} for text in TEXTS]
    rows.insert(4, {"messages": "no list"})
    write_jsonl(place / "rows.jsonl", rows)
    return place


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class TestSettings:
    def test_a_model_writes_as_it_is_asked_to(self, folder: Path) -> None:
        def said(*words: str) -> str:
            done = luthier("predict", folder / "sft", "--text", "hello", "--json", *words)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)["generated_text"]

        usual = said()
        assert said("generation.temperature=0") == usual
        assert usual.startswith(said("generation.max_new_tokens=3")) and said("generation.max_new_tokens=3") != usual
        drawn = {seed: said("generation.temperature=1.0", f"generation.seed={seed}") for seed in (1, 2, 3)}
        assert len(set(drawn.values())) > 1
        assert said("generation.temperature=1.0", "generation.seed=2") == drawn[2]

    def test_a_model_that_writes_nothing_has_no_such_settings(self, folder: Path, models: TinyModels) -> None:
        saved("classification", models.encoder, folder)
        done = luthier("predict", folder / "classification", "--text", "a", "generation.temperature=1")
        assert done.returncode == 2 and "writes no text" in done.stderr


class TestInterrupted:
    def test_answers_that_are_there_are_not_made_again_and_all_are_as_without(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("luthier.inference.stream._HELD_TEXTS", 3)
        whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
        asked = ("predict", folder / "sft", folder / "rows.jsonl", "-o")
        assert luthier(*asked, whole).returncode == 1  # one row cannot be read
        assert len(lines(whole)) == 11 and sorted(path.name for path in tmp_path.iterdir()) == ["whole.jsonl"]
        raw, calls = Predictor.raw, list[int]()

        def interrupted(self: Predictor, inputs: list, *more: object) -> list:
            calls.append(len(inputs))
            if len(calls) == 3:
                raise KeyboardInterrupt
            return raw(self, inputs, *more)

        monkeypatch.setattr(Predictor, "raw", interrupted)
        assert luthier(*asked, out).returncode == 130
        assert not out.exists() and len(lines(tmp_path / "out.jsonl.part")) == 6
        with (tmp_path / "out.jsonl.part").open("a", encoding="utf-8") as part:
            part.write('{"generated_text": "half')  # as a kill leaves it
        refused = luthier(*asked, out, "--resume", "generation.max_new_tokens=3")
        assert refused.returncode == 2 and "settings" in refused.stderr
        done = luthier(*asked, out, "--resume")
        assert done.returncode == 1 and "going on after 6 answers" in done.stdout
        assert calls == [3, 2, 3, 3, 2]
        assert out.read_bytes() == whole.read_bytes()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "whole.jsonl"]

    def test_what_cannot_go_on_is_refused(self, folder: Path, tmp_path: Path) -> None:
        asked = ("predict", folder / "sft", folder / "rows.jsonl", "--resume", "-o")
        assert "nothing to go on with" in luthier(*asked, tmp_path / "none.jsonl").stderr
        assert "only a .jsonl" in luthier(*asked, tmp_path / "out.csv").stderr
