"""In which encoding a file is written is found out and said, or asked; bytes that do not fit are told by line."""

import codecs
from pathlib import Path

import pytest

from luthier.errors import DataError, Problem
from luthier.reading.raw.encodings import rank
from luthier.reading.raw.lines import _BLOCK
from luthier.reading.read import ReadOptions, Table, open_table
from luthier.types import Row

SAMPLES = {
    "gb18030": ["快递一直没有送到，已经等了三天", "退款还没有到账，请尽快处理", "质量很好，下次还会再买"],
    "big5": ["這個產品真的很好用，下次還會再買", "退款還沒有收到，請盡快處理", "客服態度很差，等了三天"],
    "cp932": ["荷物がまだ届いていません。いつ届きますか", "対応がとても遅いです", "返金してください"],
    "euc_jp": ["荷物がまだ届いていません。いつ届きますか", "対応がとても遅いです", "返金してください"],
    "cp949": ["배송이 너무 늦어요", "환불해 주세요", "친절하게 상담해 주셔서 감사합니다"],
    "cp1252": ["Le colis est arrivé très abîmé à l'école", "C’est déjà payé – merci", "où est la facture ? 5 €"],
    "cp1250": ["Paczka przyszła uszkodzona, proszę o zwrot pieniędzy", "Żółta łódź płynie po rzece"],
    "cp1251": ["Посылка пришла разбитой, требую возврат денег", "Всё отлично, спасибо большое!"],
    "koi8_r": ["Посылка пришла разбитой, требую возврат денег", "Всё отлично, спасибо большое!"],
}


def written(path: Path, texts: list[str], encoding: str, mark: bytes = b"") -> Path:
    lines = ["text\tlabel", *(f"{text}\tx" for text in texts)]
    path.write_bytes(mark + "\n".join(lines).encode(encoding) + "\n".encode(encoding))
    return path


def texts_of(table: Table) -> list[str]:
    return [row.values["text"] for row in table.rows if isinstance(row, Row)]


def problems_of(path: Path, **options: object) -> list[Problem]:
    return [row for row in open_table(path, ReadOptions(**options)).rows if isinstance(row, Problem)]


@pytest.mark.parametrize("encoding", SAMPLES)
def test_an_encoding_is_found_read_to_the_letter_and_named_with_its_confidence(encoding: str, tmp_path: Path) -> None:
    table = open_table(written(tmp_path / "a.tsv", SAMPLES[encoding], encoding))
    assert texts_of(table) == SAMPLES[encoding]
    assert table.notes[0].startswith(f"encoding {encoding}, recognised with ")


@pytest.mark.parametrize("encoding", SAMPLES)
def test_every_single_sample_is_read_rightly_or_not_at_all(encoding: str) -> None:
    for text in SAMPLES[encoding]:
        ranked = rank([text.encode(encoding)])
        if ranked and ranked[0][1] >= 0.95:
            assert text.encode(encoding).decode(ranked[0][0]) == text, ranked


def test_two_characters_may_be_anything_and_are_asked_for_with_what_they_would_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"text\tlabel\n" + "锝燂".encode("gb18030")[:2] + b"\tx\n")
    with pytest.raises(DataError) as caught:
        open_table(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line) == ("encoding", 2)
    assert "data.encoding=" in problem.fix
    for way in problem.fix.partition(": ")[2].split(" | "):
        codec = way.removeprefix("data.encoding=")
        assert f"{codec} '" in problem.what
        assert len(texts_of(open_table(path, ReadOptions(encoding=codec)))) == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marked", [True, False])
def test_wide_encodings_are_read_with_and_without_a_mark(encoding: str, marked: bool, tmp_path: Path) -> None:
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
             "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}  # fmt: skip
    texts = ["快递没到，请查", "late again", "café au lait"] * 3
    table = open_table(written(tmp_path / "a.csv", texts, encoding, marks[encoding] if marked else b""))
    assert texts_of(table) == texts
    assert table.columns == ("text", "label")
    assert table.notes[0] == f"encoding {encoding}"


def test_utf16_may_be_named_without_its_byte_order(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", ["快递"], "utf-16")
    assert texts_of(open_table(path, ReadOptions(encoding="utf-16"))) == ["快递"]


def test_lines_of_another_encoding_are_told_by_line_offset_and_bytes_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\ncafé,a\nthé,b\n".encode() + b"na\xefve,b\n" + "été,c\n".encode() + b"fa\xe7ade,c\n")
    first, second = problems_of(path)
    assert (first.code, first.place.line, first.place.column) == ("mixed-encoding", 4, 3)
    assert "ef" in first.what and f"offset {path.read_bytes().index(0xEF)}" in first.what
    assert second.place.line == 6 and f"offset {path.read_bytes().index(0xE7)}" in second.what
    assert texts_of(open_table(path)) == ["café", "thé", "été"]


@pytest.mark.slow
def test_a_bad_byte_is_placed_rightly_however_late_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    good = "le café est froid\tham\n".encode()
    path.write_bytes(b"text\tlabel\n" + good * (3 * _BLOCK // len(good)) + b"caf\xe9\tham\n" + good)
    (problem,) = problems_of(path)
    assert problem.place.line == 3 * _BLOCK // len(good) + 2
    assert f"offset {path.read_bytes().index(b'f' + bytes([0xE9]) + bytes([9])) + 1}" in problem.what


def test_a_file_that_ends_inside_a_character_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\n快递没到,物流\n退款,售后".encode()[:-2])
    (problem,) = problems_of(path)
    assert (problem.code, problem.place.line) == ("cut-file", 3)
    assert "cut" in problem.what


def test_a_row_without_its_end_at_the_end_of_the_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nlate again,delivery\nmoney ba", encoding="utf-8")
    (problem,) = problems_of(tmp_path / "a.csv")
    assert (problem.code, problem.place.line) == ("cut-file", 3)


def test_an_encoding_that_is_named_wrongly_is_refused_and_the_likely_one_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", SAMPLES["gb18030"], "gb18030")
    with pytest.raises(DataError, match=r"(?s):2: is not utf-8.*data\.encoding=gb18030"):
        open_table(path, ReadOptions(encoding="utf-8"))


@pytest.mark.parametrize("name", ["zlib", "rot13", "nothing", "undefined"])
def test_what_is_no_encoding_of_text_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no encoding"):
        open_table(written(tmp_path / "a.tsv", ["a"], "utf-8"), ReadOptions(encoding=name))


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_over_the_edges_of_blocks(end: str, tmp_path: Path) -> None:
    count = 2 * _BLOCK // 30
    rows = "".join(f'"row {i} is here é",a{end}' for i in range(count))
    (tmp_path / "a.csv").write_bytes(f"text,label{end}{rows}".encode())
    found = [row for row in open_table(tmp_path / "a.csv").rows if isinstance(row, Row)]
    assert [row.place.line for row in found] == list(range(2, count + 2))
    assert found[-1].values["text"] == f"row {count - 1} is here é"


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.reading.raw.lines._LONGEST", 2 * _BLOCK)
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + b"x" * 4 * _BLOCK)
    with pytest.raises(DataError) as caught:
        list(open_table(tmp_path / "a.jsonl").rows)
    assert caught.value.problems[0].code == "line-too-long"
