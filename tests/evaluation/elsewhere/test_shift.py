"""How far other data are from training, told by what a run keeps of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.errors import ModelError
from luthier.evaluation.elsewhere.portrait import Portrait, portray
from luthier.evaluation.elsewhere.shift import find_shift, tell_apart
from luthier.types import Example
from tiny import TinyModels, bench, ticket_rows

pytestmark = pytest.mark.slow


def vectors(rows: int, mean: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, (rows, 20)).astype(np.float32)


def examples(rows: list[tuple[str, str]]) -> list[Example[Any, Any]]:
    return [Example(text, label) for text, label in rows]


def test_rows_of_one_kind_cannot_be_told_apart_and_others_can() -> None:
    same, far = (tell_apart(vectors(200, 0, 0), vectors(150, mean, 1), 0) for mean in (0.0, 1.0))
    assert same is not None and far is not None
    assert same.low < 0.5 < same.high and same.distance_low == 0 and same.rows == 150
    assert far.low > 0.95 and 1.6 < far.distance <= 2


def test_the_very_same_rows_are_never_another_domain() -> None:
    rows = vectors(200, 0, 0)
    found = tell_apart(rows, rows, 0)
    assert found is not None and 0.4 < found.auc < 0.6


def test_rows_that_are_all_one_are_told_apart_from_others() -> None:
    found = tell_apart(vectors(200, 0, 0), np.repeat(vectors(1, 3, 1), 60, axis=0), 0)
    assert found is not None and found.auc > 0.95
    half = np.concatenate([vectors(40, 0, 0), np.repeat(vectors(1, 3, 1), 40, axis=0)])
    assert tell_apart(half[40:], half, 0) is not None  # all of one side stand on the other: nobody can learn that side


def test_a_handful_of_rows_is_not_judged() -> None:
    assert tell_apart(vectors(200, 0, 0), vectors(10, 3, 1), 0) is None


@pytest.fixture
def portrait(models: TinyModels) -> Portrait:
    codec = bench("classification", models.encoder).codec
    return portray(codec, examples(ticket_rows(200)), examples(ticket_rows(80, seed=5)), vectors(80, 0, 0), 0)


def test_what_is_kept_is_small_holds_no_word_and_comes_back(portrait: Portrait, tmp_path: Path) -> None:
    portrait.save(tmp_path / "p.safetensors")
    written = (tmp_path / "p.safetensors").read_bytes()
    assert len(written) < 10_000 and not any(word in written for word in (b"parcel", b"invoice", b"courier"))
    read = Portrait.load(tmp_path / "p.safetensors")
    assert read.labels == portrait.labels and np.array_equal(read.vectors_SD, portrait.vectors_SD)
    assert read.rare_share("the parcel is late") == 0 and read.rare_share("quite unheard of words") == 1
    (tmp_path / "p.safetensors").write_bytes(written[:100])
    with pytest.raises(ModelError, match="not as it was written"):
        Portrait.load(tmp_path / "p.safetensors")


def test_simple_numbers_tell_in_words_what_is_different(portrait: Portrait, models: TinyModels) -> None:
    codec = bench("classification", models.encoder).codec
    like = find_shift(portrait, codec, examples(ticket_rows(100, seed=9)), vectors(100, 0, 3), 0)
    assert like.level == "same" and not like.unseen and not any(measure.differs for measure in like.measures)
    rows = [(f"{text} unheard words beyond all knowledge", "delivery") for text, _ in ticket_rows(100, seed=9)]
    other = find_shift(portrait, codec, examples([*rows[1:], (rows[0][0], "praise")]), vectors(100, 2, 3), 0)
    assert other.level == "far" and other.unseen == {"praise": 1}
    assert {measure.name for measure in other.measures if measure.differs} >= {"length", "rare_words", "labels"}
    assert "another domain" in other.sentence and "praise" in other.sentence


def test_chinese_words_are_pairs_of_characters(models: TinyModels) -> None:
    codec = bench("classification", models.encoder).codec
    known = portray(codec, examples([("物流很慢", "a")] * 3), [], None, 0)
    assert known.rare_share("物流慢") == pytest.approx(0.5)  # 物流 is known, 流慢 is not
    assert known.rare_share("流物") == 1
