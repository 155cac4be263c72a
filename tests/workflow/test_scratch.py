"""tuning.method=scratch, for any task."""

from pathlib import Path

import pytest
import yaml

from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier, report

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("more", [(), ("data.split.folds=2",)])
def test_nothing_pretrained_is_learnt_from_or_compared_with(
    models: TinyModels, tmp_path: Path, more: tuple[str, ...]
) -> None:
    data = write_csv(tmp_path / "data.csv", ["text", "label"], ticket_rows(60))
    words = ("train", data, "--model", models.encoder, "--out", tmp_path / "run", "train.max_tokens=512")
    done = luthier(*words, "tuning.method=scratch", "train.epochs=2", *more)
    assert done.returncode == 0, done.stderr
    assert set(report(tmp_path / "run")["baselines"]) == {"majority", "tfidf"}
    if not more:
        assert "there are no baselines of that kind: frozen embeddings" in done.stdout
        chosen = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text("utf-8"))["train"]
        assert (chosen["warmup"], chosen["weight_decay"], chosen["head_init"]) == (0.1, 0.1, "random")
        assert chosen["learning_rate"] == 2e-3


def test_a_method_that_keeps_the_weights_has_its_usual_settings(models: TinyModels, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", ["text", "label"], ticket_rows(40))
    done = luthier("train", data, "--model", models.encoder, "--out", tmp_path / "run", "train.epochs=1")
    assert done.returncode == 0 and "train.warmup" not in done.stdout
    chosen = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text("utf-8"))["train"]
    assert (chosen["warmup"], chosen["weight_decay"]) == (0.1, 0.01)
