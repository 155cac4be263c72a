"""The embedded tickets are what their card says."""

import csv
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from luthier.demo import FILES, write_demo_data

SOURCE = Path(__file__).parents[1] / "src" / "luthier" / "demo"
LANGUAGES = ("en", "zh")


def rows(language: str) -> list[dict]:
    return [json.loads(line) for line in (SOURCE / f"tickets_{language}.jsonl").read_text("utf-8").splitlines()]


def card() -> str:
    return (SOURCE / "CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("language", "count"), [("en", 500), ("zh", 250)])
def test_there_are_as_many_as_promised_and_all_files_together_are_small(language: str, count: int) -> None:
    assert len(rows(language)) >= count
    assert sum((SOURCE / name).stat().st_size for name in FILES) < 1_100_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_has_every_column_and_every_span_lies_in_its_text(language: str) -> None:
    for row in rows(language):
        assert list(row) == ["id", "text", "intent", "sentiment", "entities", "customer_id", "reply", "summary"]
        assert all(row[name].strip() for name in row if name != "entities")
        assert row["sentiment"] in ("negative", "neutral", "positive")
        last = 0
        for span in sorted(row["entities"], key=lambda span: span["start"]):
            assert last <= span["start"] < span["end"] <= len(row["text"])
            surface = row["text"][span["start"] : span["end"]]
            assert surface == surface.strip()
            last = span["end"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_and_json_lines_hold_the_same(language: str) -> None:
    with (SOURCE / f"tickets_{language}.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for a, b in zip(table, rows(language), strict=True):
        spans = [f"{s['start']}:{s['end']}:{s['label']}" for s in b["entities"]]
        assert a == {**b, "entities": " ".join(spans)}


@pytest.mark.parametrize(("language", "column"), [("en", 0), ("zh", 1)])
def test_the_counts_are_those_of_the_card(language: str, column: int) -> None:
    intents = Counter(row["intent"] for row in rows(language))
    told = {
        name: int(counts[column]) for name, *counts in re.findall(r"^\| (\w+) \|.*\| (\d+) \| (\d+) \|$", card(), re.M)
    }
    assert told == dict(intents)
    entities = Counter(span["label"] for row in rows(language) for span in row["entities"])
    told = {
        name: int(counts[column]) for name, *counts in re.findall(r"(\w+) (\d+), (\d+)", card().split("Entities (")[1])
    }
    assert told == dict(entities)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_documented_duplicates_are_the_only_ones(language: str) -> None:
    ids = defaultdict(list)
    for row in rows(language):
        ids[row["text"]].append(row["id"])
    found = {" = ".join(group) for group in ids.values() if len(group) > 1}
    assert found == {pair for pair in re.findall(r"\w\d{4} = \w\d{4}", card()) if pair[0] == language[0].upper()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_customers_write_several_tickets(language: str) -> None:
    counts = Counter(row["customer_id"] for row in rows(language))
    assert len(rows(language)) / len(counts) > 2.5


@pytest.mark.parametrize(("language", "length"), [("en", 6), ("zh", 10)])
def test_no_two_rows_share_a_sentence_frame(language: str, length: int) -> None:
    """No run of six words (ten characters) stands in two texts, but for the documented copies and addresses."""
    copies = {row_id for pair in re.findall(r"\w\d{4} [=≈] (\w\d{4})", card()) for row_id in [pair]}
    seen: dict[object, str] = {}
    for row in rows(language):
        if row["id"] in copies:
            continue
        text = re.sub(r"\S+@\S+", "", row["text"].lower())
        pieces = re.findall(r"[a-z0-9']+", text) if language == "en" else re.findall(r"[\u4e00-\u9fff]", text)
        for run in {tuple(pieces[i : i + length]) for i in range(len(pieces) - length + 1)}:
            assert seen.setdefault(run, row["id"]) == row["id"], (run, row["id"], seen[run])


@pytest.mark.parametrize(("language", "count", "length"), [("en", 120, 8), ("zh", 60, 10)])
def test_dialogues_go_by_turns_and_share_no_phrase(language: str, count: int, length: int) -> None:
    lines = (SOURCE / f"dialogues_{language}.jsonl").read_text("utf-8").splitlines()
    dialogues = [json.loads(line) for line in lines]
    assert len(dialogues) == count
    seen: dict[object, str] = {}
    for dialogue in dialogues:
        turns = dialogue["messages"]
        assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
        assert 2 <= len(turns) <= 6 and all(turn["content"].strip() for turn in turns)
        text = " ".join(turn["content"].lower() for turn in turns)
        pieces = re.findall(r"[a-z0-9']+", text) if language == "en" else re.findall(r"[\u4e00-\u9fff]", text)
        for run in {tuple(pieces[i : i + length]) for i in range(len(pieces) - length + 1)}:
            assert seen.setdefault(run, dialogue["id"]) == dialogue["id"], run
    assert sum(len(dialogue["messages"]) > 2 for dialogue in dialogues) > 0.9 * count


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_general_text_is_forty_different_passages_and_none_about_a_shop(language: str) -> None:
    passages = (SOURCE / f"general_{language}.txt").read_text("utf-8").splitlines()
    assert len(set(passages)) == len(passages) == 40
    least = 150 if language == "en" else 45
    assert all(len(passage) >= least for passage in passages)
    assert not any(re.search(r"refund|parcel delivery|customer|退款|客服|订单", passage) for passage in passages)


def test_the_files_can_be_had_and_a_changed_one_is_left_alone(tmp_path: Path) -> None:
    paths = write_demo_data(tmp_path / "demo-data")
    assert sorted(path.name for path in paths) == sorted(FILES)
    paths[0].write_text("mine", encoding="utf-8")
    write_demo_data(tmp_path / "demo-data")
    assert paths[0].read_text(encoding="utf-8") == "mine"
