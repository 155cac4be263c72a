"""Labels that are likely wrong are found, the likeliest first, and nothing is said where nothing can be known."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from luthier.checkup import check
from luthier.config.settings import load_settings
from luthier.doctor import suspects
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.suspects import Suspects, suspicion
from luthier.errors import Place
from luthier.formats.labelled import Labelled
from luthier.text.shingling.pieces import Pieces
from luthier.types import Example, Finding
from tiny import TinyModels, ticket_rows, write_csv


def tickets(count: int, wrong: int) -> tuple[list[Example[str, str]], set[int]]:
    """Rows of three classes, and the lines of those whose label was exchanged."""
    rows = [Example(text, label, Place("a.csv", line)) for line, (text, label) in enumerate(ticket_rows(count, 0), 2)]
    draw = random.Random(0)
    chosen = set(draw.sample(range(count), wrong))
    labels = sorted({row.answer for row in rows})
    for i in chosen:
        rows[i] = replace(rows[i], answer=draw.choice([label for label in labels if label != rows[i].answer]))
    return rows, {i + 2 for i in chosen}


def look(rows: list[Example[str, str]], **context: object) -> tuple[Doctor, list[Finding]]:
    doctor = Doctor(Context(Labelled(), **context), [Suspects])
    assert list(doctor.watch("train", rows)) == rows
    return doctor, doctor.findings()


def test_exchanged_labels_are_named_with_the_right_one() -> None:
    rows, wrong = tickets(300, 15)
    doctor, (found,) = look(rows)
    named = [place.line for place in found.rows]
    assert len(wrong.intersection(named)) >= 13 and len(named) <= 20
    assert set(named[:8]) <= wrong
    right = {line: label for line, (_, label) in enumerate(ticket_rows(300, 0), 2)}
    assert all(label == right[line] for line, label in zip(named, found.suggested, strict=True) if line in wrong)
    assert found.code == "label-error" and found.severity == "warning"
    assert f"line {named[0]}:" in found.message
    assert found.as_json()["suggested"] == list(found.suggested)
    first = doctor.facts()["Suspects"]["suspects"][0]
    assert (first["place"], first["suggested"]) == (f"a.csv:{named[0]}:label", found.suggested[0]) and first["text"]


def test_labels_that_have_nothing_to_do_with_the_texts_are_not_doubted() -> None:
    draw = random.Random(1)
    rows = [Example(" ".join(draw.choice("abcdefgh") for _ in range(8)), draw.choice("xy"), Place("a.csv", i))
            for i in range(300)]  # fmt: skip
    assert look(rows)[1] == []


def test_texts_without_a_word_in_common_are_left_alone() -> None:
    rows = [Example(f"{i}", "ab"[i % 2], Place("a.csv", i)) for i in range(100)]
    assert look(rows)[1] == []


def test_rare_classes_are_left_out() -> None:
    rows, _ = tickets(200, 0)
    alone = Example("something that only once is said", "alone", Place("a.csv", 999))
    assert all(place.line != 999 for finding in look([*rows, alone])[1] for place in finding.rows)


def test_equal_texts_are_held_out_together_so_that_a_copied_mistake_is_seen() -> None:
    rows, _ = tickets(300, 0)
    rows = list({row.input: row for row in rows}.values())
    texts = [*(row.input for row in rows), *[rows[0].input] * 9]
    names = sorted({row.answer for row in rows})
    label = np.array([names.index(row.answer) for row in rows] + [(names.index(rows[0].answer) + 1) % 3] * 9)
    found = suspicion(Pieces.of(texts[1:]), label[1:], 3)
    assert found is not None and set(found.order[:9]) == set(range(len(rows) - 1, len(rows) + 8))


def test_without_the_library_it_is_said_what_was_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "has", lambda module: module != "cleanlab")
    doctor, found = look(tickets(100, 5)[0])
    assert found == [] and "luthier[clean]" in doctor.notes()[0]


def test_only_deep_asks_for_vectors() -> None:
    asked: list[int] = []
    label = {"billing": 0, "delivery": 1, "refund": 2}
    rows, wrong = tickets(200, 10)
    truth = {text: label[answer] for text, answer in ticket_rows(200, 0)}

    def embed(texts: list[str]) -> np.ndarray:
        asked.append(len(texts))
        return np.eye(3, dtype=np.float32)[[truth[text] for text in texts]]

    look(rows, embed=embed)
    assert asked == []
    (found,) = look(rows, embed=embed, deep=True)[1]
    assert asked == [200] and {place.line for place in found.rows} <= wrong and found.count >= 9


def test_every_row_has_a_rank() -> None:
    rows, wrong = tickets(300, 15)
    names = sorted({row.answer for row in rows})
    label = np.array([names.index(row.answer) for row in rows])
    found = suspicion(Pieces.of([row.input for row in rows]), label, 3)
    assert found is not None and sorted(found.order) == list(range(300))
    assert len(wrong.intersection(found.order[:30] + 2)) >= 14
    assert (found.suggested != label).all()


@pytest.mark.slow
def test_deep_asks_the_model_that_would_be_tuned(models: TinyModels, tmp_path: Path) -> None:
    rows, wrong = tickets(200, 10)
    file = write_csv(tmp_path / "a.csv", ["text", "label"], [(row.input, row.answer) for row in rows])
    values = [f"data.train={file}", f"model={models.encoder}"]
    plain, deep = (check(load_settings(None, values), deep=deep) for deep in (False, True))
    named = [[place.line for found in done.findings if found.code == "label-error" for place in found.rows]
             for done in (plain, deep)]  # fmt: skip
    assert len(wrong.intersection(named[1])) >= 6 and named[0] != named[1]
    (note,) = [n for n in check(load_settings(None, [values[0], "model=no/such"]), deep=True).notes if "--deep" in n]
    assert "no/such is not on this machine" in note
