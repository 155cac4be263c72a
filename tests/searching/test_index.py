"""An index finds the nearest rows, the same way when there are too many to compare all of them."""

from pathlib import Path

import numpy as np
import pytest

from luthier.errors import ModelError
from luthier.searching.index import Index, open_index, write_index
from luthier.searching.rank import unit

ROWS = [{"question": f"q{i}", "answer": i} for i in range(300)]
VECTORS = unit(np.random.default_rng(0).normal(size=(300, 16)))


def index(folder: Path, exact: int) -> Index:
    write_index(folder, VECTORS, ROWS, {"model": "m"}, exact)
    return open_index(folder)


@pytest.mark.parametrize("exact", [1000, 10], ids=["all compared", "graph"])
def test_the_nearest_rows_come_first_with_all_their_columns(exact: int, tmp_path: Path) -> None:
    found = index(tmp_path / "i", exact)
    assert (found.vectors_MD is None) == (exact == 10) and len(found) == 300
    hits = found.search(VECTORS[:20], 5)
    cosines = VECTORS[:20] @ VECTORS.T
    for q, best in enumerate(hits):
        assert best[0].row == ROWS[q] and best[0].score == pytest.approx(1, abs=1e-5)
        expected = np.sort(cosines[q])[::-1][:5]
        assert [hit.score for hit in best] == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_row_with_several_texts_is_found_once(tmp_path: Path) -> None:
    row = {"faq": "a"}
    write_index(tmp_path / "i", VECTORS[:3], [row, row, {"faq": "b"}], {"model": "m"})
    (hits,) = open_index(tmp_path / "i").search(VECTORS[:1], 9)
    assert [hit.row["faq"] for hit in hits] == ["a", "b"]


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no index"):
        open_index(tmp_path)
    index(tmp_path / "i", 1000)
    (tmp_path / "i" / "vectors.npy").write_bytes(b"broken")
    with pytest.raises(ModelError, match="not as it was written"):
        open_index(tmp_path / "i")
