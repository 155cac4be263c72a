"""Every recipe runs as it stands; only its model and its epochs are made small."""

from pathlib import Path

import pytest

from luthier.demo import write_demo_data
from tiny import TinyModels
from workflow.helpers import luthier, report

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_it_runs(recipe: Path, models: TinyModels, tmp_path: Path) -> None:
    write_demo_data(tmp_path / "demo-data")
    small = [f"model={models.encoder}", "train.epochs=1", "train.max_length=32", "--out", "run"]
    done = luthier("train", recipe, *small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert report(tmp_path / "run")["verdict"]["sentence"]


def test_there_is_a_recipe_for_every_tuning_method_and_each_says_how_to_run_it() -> None:
    from luthier import catalog

    text = "".join(path.read_text(encoding="utf-8") for path in RECIPES)
    assert all(f"method: {name}" in text for name in catalog.tuning_names() if name not in ("full", "head"))
    assert all("#   luthier " in path.read_text(encoding="utf-8") for path in RECIPES)
