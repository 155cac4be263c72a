"""What the model's tokenizer would cut off or not know is told beforehand."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from doctor.looked import found, good, lines
from luthier.errors import Place
from luthier.formats.entities import EntityRows, Passage
from luthier.formats.generation import TextToText
from luthier.formats.marked.spans import Entity
from luthier.formats.messages import MessageRows
from luthier.text.tokenizer import read_tokenizer
from luthier.types import Row
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier


@pytest.fixture(scope="module")
def tokenizer(models: TinyModels) -> Tokenizer:
    return read_tokenizer(models.encoder)


def test_texts_longer_than_the_model_reads_are_told_with_both_shares_the_longest_first(tokenizer: Tokenizer) -> None:
    rows = [*ticket_rows(60), ("late " * 40, "refund"), ("late " * 80, "refund")]
    finding = found(rows, tokenizer=tokenizer, max_length=22)["truncation"]
    assert lines(finding) == [63, 62]
    assert "3.2% of the texts" in finding.message and "82" in finding.message and "22 tokens" in finding.message


def test_a_row_in_a_thousand_that_is_a_little_too_long_is_no_finding(tokenizer: Tokenizer) -> None:
    rows = [*ticket_rows(1000), ("late " * 25, "refund")]
    assert "truncation" not in found(rows, tokenizer=tokenizer, max_length=24)


def test_texts_that_the_vocabulary_does_not_know_are_told_with_a_model_that_would(tokenizer: Tokenizer) -> None:
    rows = [*ticket_rows(60), *[(f"这个包裹什么时候才能送到呢{'啊' * i}", "refund") for i in range(60)]]
    finding = found(rows, tokenizer=tokenizer, max_length=64)["unknown-token"]
    assert set(lines(finding)) == set(range(62, 122)) and "Chinese" in finding.fix and "'" in finding.message
    assert "unknown-token" not in found(ticket_rows(60), tokenizer=tokenizer, max_length=64)


def test_without_a_tokenizer_nothing_is_said_about_tokens() -> None:
    rows = [*good(), ("late " * 4000, "refund")]
    assert not {"truncation", "unknown-token"} & set(found(rows))


def test_answers_behind_the_limit_stop_a_training(tokenizer: Tokenizer) -> None:
    layout = MessageRows()
    parsed = [
        layout.parse(
            Row({"prompt": f"where is my parcel {i} " + "late " * long, "completion": "it is sent"}, Place("a", i))
        )
        for i, long in enumerate([0, 1, 2, 90])
    ]
    pairs = [(example.input, example.answer) for example in parsed]
    finding = found(pairs, layout=layout, tokenizer=tokenizer, max_length=32)["answer-truncation"]
    assert finding.severity == "error" and lines(finding) == [5]
    assert "answer-truncation" not in found(pairs, layout=layout, tokenizer=tokenizer, max_length=256)


def test_an_answer_that_is_read_apart_takes_nothing_from_its_input(tokenizer: Tokenizer) -> None:
    pairs = [(f"parcel late {i} {text}", f"sent {text} {i}") for i, (text, _) in enumerate(ticket_rows(60))]
    most = 2 + max(len(tokenizer.encode(text, add_special_tokens=False)) for pair in pairs for text in pair)
    assert not {"truncation", "answer-truncation"} & set(
        found(pairs, layout=TextToText(), tokenizer=tokenizer, max_length=most)
    )
    short = found(pairs, layout=TextToText(), tokenizer=tokenizer, max_length=8)
    assert "truncation" in short and "answer-truncation" not in short


def test_check_takes_the_tokenizer_of_the_model_that_is_named(tmp_path: Path, models: TinyModels) -> None:
    write_csv(
        tmp_path / "a.csv", ["text", "label"], [*ticket_rows(60), *[(f"late {i} " * 60, "refund") for i in range(3)]]
    )
    named = luthier("check", "a.csv", "--model", models.encoder, cwd=tmp_path)
    assert "truncation" in named.stdout + named.stderr and "64 tokens" in named.stdout + named.stderr
    short = luthier("check", "a.csv", "--model", models.encoder, "train.max_length=32", cwd=tmp_path)
    assert "32 tokens" in short.stdout + short.stderr
    missing = luthier("check", "a.csv", "--model", "./nowhere", cwd=tmp_path)
    assert missing.returncode == 2


def test_check_says_what_it_did_not_look_at(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ["text", "label"], ticket_rows(60))
    done = luthier("check", "a.csv", "--model", "nobody/has-this-model", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path))
    assert "not looked at" in done.stdout + done.stderr and "nobody/has-this-model" in done.stdout + done.stderr
    assert done.returncode == 0


def test_a_long_text_with_entities_is_read_in_windows_and_not_cut(tokenizer: Tokenizer) -> None:
    pairs = [(Passage("parcel " * 40 + f"{i}"), (Entity(0, 6, "thing"),)) for i in range(20)]
    assert not {"truncation", "answer-truncation"} & set(
        found(pairs, layout=EntityRows(), tokenizer=tokenizer, max_length=16)
    )
