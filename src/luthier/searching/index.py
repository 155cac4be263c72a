"""An indexed file: the vectors of its rows, and the rows themselves, found again by the nearest vector.

Exact up to some tens of thousands of texts, where a matrix product takes hundredths of a second; above that a graph in
which one walks towards the query (HNSW, Malkov & Yashunin 2018), through faiss.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.errors import ModelError
from luthier.extras import need
from luthier.files import whole_folder
from luthier.language import t
from luthier.metrics.ranking import top

FILE, VECTORS, GRAPH, ROWS, PLACES = "index.json", "vectors.npy", "graph.faiss", "rows.jsonl", "places.npy"
FORMAT = 1
EXACT = 50_000
"""Texts up to which all are compared."""
_NEIGHBOURS, _BUILD_WIDTH, _SEARCH_WIDTH = 32, 200, 128


@dataclass(frozen=True)
class Hit:
    """score: cosine. row: all columns of the file's row."""

    score: float
    row: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"score": self.score, "row": dict(self.row)}


@dataclass(frozen=True)
class Index:
    """model: a digest of the weights that made the vectors. vectors_MD: unit vectors, where all are compared.
    graph: faiss' own, where not. places_M: where in the file of rows each text's row begins."""

    model: str
    size: int
    vectors_MD: np.ndarray | None
    graph: Any
    places_M: np.ndarray
    rows: Path

    def __len__(self) -> int:
        return len(self.places_M)

    def search(self, unit_ND: np.ndarray, k: int) -> list[list[Hit]]:
        """For each query the k nearest rows, the nearest first; fewer where there are no more. A row with several
        texts is found once, by its nearest."""
        found: list[list[Hit]] = []
        with self.rows.open("rb") as file:
            for numbers, scores in self._nearest(unit_ND, k):
                hits: dict[int, Hit] = {}
                for number, score in zip(numbers, scores, strict=True):
                    place = int(self.places_M[number])
                    if place not in hits and len(hits) < k:
                        file.seek(place)
                        hits[place] = Hit(float(score), json.loads(file.readline()))
                found.append(list(hits.values()))
        return found

    def _nearest(self, unit_ND: np.ndarray, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Numbers of texts and their cosines; some more than k, for a row may have several texts."""
        wanted = min(4 * k, len(self))
        if self.vectors_MD is not None:
            cosines_NM = unit_ND @ self.vectors_MD.T
            best = [top(row, wanted) for row in cosines_NM]
            return [(numbers, row[numbers]) for numbers, row in zip(best, cosines_NM, strict=True)]
        self.graph.hnsw.efSearch = max(_SEARCH_WIDTH, wanted)
        scores_NK, numbers_NK = self.graph.search(np.ascontiguousarray(unit_ND, np.float32), wanted)
        pairs = zip(numbers_NK, scores_NK, strict=True)
        return [(numbers[numbers >= 0], scores[numbers >= 0]) for numbers, scores in pairs]


def write_index(
    out: Path, unit_MD: np.ndarray, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], exact: int = EXACT
) -> None:
    """out: must not exist; it appears whole. rows: of each vector its row; one object may stand there several times.
    facts: of the index, JSON-able; `model` among them. exact: up to how many texts are all compared."""
    with whole_folder(out) as folder:
        places: list[int] = []
        with (folder / ROWS).open("wb") as file:
            start, last = 0, None
            for row in rows:
                if row is not last:
                    start, last = file.tell(), row
                    file.write(json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")
                places.append(start)
        np.save(folder / PLACES, np.array(places, np.int64))
        graph = len(unit_MD) > exact
        if graph:
            need("faiss").write_index(build_graph(unit_MD), str(folder / GRAPH))
        else:
            np.save(folder / VECTORS, unit_MD.astype(np.float32))
        about = {"format": FORMAT, "texts": len(unit_MD), "size": int(unit_MD.shape[1]), "graph": graph, **facts}
        (folder / FILE).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")


def build_graph(unit_MD: np.ndarray) -> Any:
    """20,000 vectors of 384 numbers take 15 s of one processor; what is found is what comparing all finds."""
    faiss = need("faiss")
    graph = faiss.IndexHNSWFlat(unit_MD.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _BUILD_WIDTH
    graph.add(np.ascontiguousarray(unit_MD, np.float32))
    return graph


def open_index(folder: Path) -> Index:
    """Errors: ModelError where the folder holds no index, or not all of it."""
    fix = t("build it: luthier index RUN FILE -o {folder}", folder=folder)
    try:
        about = json.loads((folder / FILE).read_text(encoding="utf-8"))
        version, size, model, graph = about["format"], about["size"], about["model"], about["graph"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError.at(str(folder), t("is no index"), fix, code="no-index") from None
    if version != FORMAT:
        what = t("has format {format}, this version reads {known}", format=version, known=FORMAT)
        raise ModelError.at(str(folder / FILE), what, fix, code="no-index")
    try:
        places_M = np.load(folder / PLACES, allow_pickle=False)
        vectors_MD = None if graph else np.load(folder / VECTORS, allow_pickle=False)
        walked = need("faiss").read_index(str(folder / GRAPH)) if graph else None
    except (OSError, ValueError, RuntimeError) as error:
        what = t("is not as it was written ({error})", error=str(error)[:200])
        raise ModelError.at(str(folder), what, fix, code="no-index") from None
    return Index(model, size, vectors_MD, walked, places_M, folder / ROWS)
