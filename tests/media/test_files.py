"""What a cell may name, and what a stranger may send."""

import base64
from pathlib import Path

import numpy as np
import pytest

from luthier.errors import DataError, Place
from luthier.media.files import named_media, sent_media
from luthier.media.store import ArrayStore
from media.made import draw_shape, png, tone, wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "red.png").write_bytes(png(draw_shape("red", "disc")))
    (tmp_path / "data" / "copy.png").write_bytes(png(draw_shape("red", "disc")))
    (tmp_path / "secret.png").write_bytes(png(draw_shape("blue", "disc")))
    (tmp_path / "data" / "broken.png").write_bytes(png(draw_shape("red", "disc"))[:50])
    return tmp_path / "data"


def refusal(folder: Path, cell: object) -> DataError:
    with pytest.raises(DataError) as found:
        named_media(cell, "image", Place(str(folder / "rows.csv"), 7))
    (problem,) = found.value.problems
    assert (problem.place.line, problem.place.column) == (7, "image")
    return found.value


def test_a_path_is_relative_to_the_data_and_copies_are_one_file(folder: Path) -> None:
    place = Place(str(folder / "rows.csv"), 2)
    red, copy = named_media("red.png", "image", place), named_media(" ./copy.png ", "image", place)
    assert red == copy and red is not None and copy is not None
    assert red.read() == (folder / "red.png").read_bytes()
    assert named_media(str(folder / "red.png"), "image", place) == red


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_cell_names_nothing(folder: Path, cell: object) -> None:
    assert named_media(cell, "image", Place(str(folder / "rows.csv"), 2)) is None


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("gone.png", "missing-media"), ("", None), ("../secret.png", "media-outside"), ("/etc/passwd", "media-outside"),
        ("x/../../secret.png", "media-outside"), ("broken.png", "broken-media"), ("rows.csv/red.png", "missing-media"),
        ("red\0.png", "missing-media"), ("a" * 5000, "missing-media"), (".", "missing-media"), (3, "wrong-type"),
        ("https://example.org/red.png", "missing-media"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_row(folder: Path, cell: object, code: str | None) -> None:
    if code is not None:
        assert refusal(folder, cell).problems[0].code == code


def test_a_file_that_changes_after_it_was_checked_is_not_taken(folder: Path) -> None:
    media = named_media("red.png", "image", Place(str(folder / "rows.csv"), 2))
    assert media is not None
    (folder / "red.png").write_bytes(png(draw_shape("blue", "box")))
    with pytest.raises(DataError, match="was changed"):
        media.read()


def test_bytes_may_be_sent_and_paths_may_not(folder: Path) -> None:
    data = wav(tone(440))
    for sent in (base64.b64encode(data).decode(), f"data:audio/wav;base64,{base64.b64encode(data).decode()}"):
        media = sent_media(sent, "audio")
        assert media is not None and media.read() == data
    for path in (str(folder / "red.png"), "red.png", "file:///etc/passwd", "../x"):
        with pytest.raises(DataError) as found:
            sent_media(path, "image")
        assert found.value.problems[0].code in ("not-base64", "broken-media")


def test_arrays_in_the_store_are_those_that_were_put() -> None:
    store, rng = ArrayStore(), np.random.default_rng(0)
    arrays = {str(i): rng.normal(size=(i % 5 + 1, 3 * i + 1)).astype(np.float16) for i in range(50)}
    large = np.arange(65 * 2**20, dtype=np.uint8)  # larger than a block
    for key, array in (*arrays.items(), ("large", large)):
        store.put(key, array)
    assert all((store[key] == array).all() and store[key].dtype == array.dtype for key, array in arrays.items())
    assert (store["large"] == large).all() and "other" not in store
    with pytest.raises(ValueError, match="read-only"):
        store["3"][0, 0] = 1
