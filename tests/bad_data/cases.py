"""The families of bad data, a line a case: how the file is made, what must come of it.

verdict: R refused with exit code 2 · F! a finding that stops a training · F a finding that it goes on with ·
K simply works. code: of the problem or finding; for K of a finding that must not be there. says: words of the English
message. line: where it lies, in the file that is named first. keys: further words of the command line. pastes: what of
the remedy can be pasted. leaves_rows: of F!, whether enough is left without the bad rows for a training to go on.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bad_data.pasting import Paste
from tiny import ticket_rows

GOOD = ticket_rows(60)
HEADER = ("body", "team")


@dataclass(frozen=True)
class Case:
    number: int
    name: str
    verdict: str
    code: str
    make: Callable[[Path], object]
    says: str = ""
    line: int | None = None
    file: str = "tickets.csv"
    keys: tuple[str, ...] = ()
    command: str = "check"
    pastes: tuple[Paste, ...] = ()
    leaves_rows: bool = True

    @property
    def data(self) -> str:
        """What is named on the command line."""
        return "tickets.csv" if self.file == "test.csv" else self.file

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


def table(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER, **how: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **how).writerows([header, *rows])
    return text.getvalue()


def written(content: str | bytes, name: str = "tickets.csv") -> Callable[[Path], object]:
    def make(folder: Path) -> object:
        data = content.encode() if isinstance(content, str) else content
        return (folder / name).write_bytes(data)

    return make


def rows(
    *bad: Sequence[Any], good: Sequence[Sequence[Any]] = GOOD, header: Sequence[str] = HEADER
) -> Callable[[Path], object]:
    """Good rows with bad ones behind them: the first bad one stands on line 62."""
    return written(table([*good, *bad], header))


def lines(*bad: Any, name: str = "tickets.jsonl", good: Sequence[Any] | None = None) -> Callable[[Path], object]:
    """JSON Lines, good ones first: the first bad one stands on line 61. A string is a line as it is."""
    ours = [{"body": text, "team": label} for text, label in GOOD] if good is None else good
    written_lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in [*ours, *bad]]
    return written("\n".join(written_lines) + "\n", name)


def raw(*bad: str) -> Callable[[Path], object]:
    """A CSV with lines as they are behind the good ones: the first bad one on line 62."""
    return written(table(GOOD) + "".join(line + "\n" for line in bad))


def encoded(encoding: str, *, chinese: bool = True, bom: bytes = b"") -> Callable[[Path], object]:
    texts = CHINESE if chinese else FRENCH
    return written(bom + table(texts).encode(encoding))


_PLACES = ["快递", "客服", "退款", "发票", "账单", "密码", "屏幕", "电池", "耳机", "地址", "订单", "会员"]
_WHATS = ["一直没有消息", "已经等了三天", "今天又出错了", "请尽快处理一下", "怎么还没有到"]
CHINESE = [
    (f"{place}{what}，麻烦你们看看", "物流" if i % 2 else "售后") for i, place in enumerate(_PLACES) for what in _WHATS
]
_ETATS = ["le colis", "la facture", "le café", "la commande", "le téléphone", "la clé", "l'écran", "le reçu"]
_SUITES = [
    "est arrivé cassé à l'école",
    "n'a pas été livré où je l'espérais",
    "a déjà été payé très tôt",
    "coûte 5 € de trop",
]
FRENCH = [(f"{etat} {suite}", "livré" if i % 2 else "payé") for i, etat in enumerate(_ETATS) for suite in _SUITES]


def two_files(
    train: Sequence[Sequence[Any]], test: Sequence[Sequence[Any]], header: Sequence[str] = HEADER
) -> Callable[[Path], object]:
    def make(folder: Path) -> object:
        (folder / "tickets.csv").write_text(table(train, header), encoding="utf-8")
        return (folder / "test.csv").write_text(table(test, header), encoding="utf-8")

    return make


def zipped(*members: tuple[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def fifo(folder: Path) -> object:
    return os.mkfifo(folder / "tickets.csv")


def loop(folder: Path) -> object:
    return (folder / "tickets.csv").symlink_to("tickets.csv")


def parquet(columns: dict[str, Any], cut: int | None = None) -> Callable[[Path], object]:
    def make(folder: Path) -> object:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = folder / "tickets.parquet"
        pq.write_table(pa.table(columns), path)
        return path.write_bytes(path.read_bytes()[:cut]) if cut else None

    return make


_BOTH = {"body": [text for text, _ in GOOD], "team": [label for _, label in GOOD]}
_TEST = ("data.test=test.csv",)
_NER = [{"tokens": ["Anna", "lives", "in", f"Paris {i}"], "ner_tags": ["B-PER", "O", "O", "B-LOC"]} for i in range(30)]
_QA = [{"context": f"Anna number {i} lives in Paris.", "question": f"Where does Anna {i} live?",
        "answers": {"text": ["Paris"], "answer_start": [len(f"Anna number {i} lives in ")]}, "id": str(i)} for i in range(30)]  # fmt: skip
_CHAT = [{"messages": [{"role": "user", "content": f"What is {i} and {i}?"},
                       {"role": "assistant", "content": f"It is {i + i}."}]} for i in range(30)]  # fmt: skip
_SUM = [
    {"input": f"a long story about the number {i} and its many friends", "output": f"number {i}"} for i in range(30)
]


def chat(*turns: tuple[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def entity_rows(*bad: Any) -> Callable[[Path], object]:
    return lines(*bad, good=_NER)


def spans(*entities: dict[str, Any], text: str = "Anna lives in Paris") -> Callable[[Path], object]:
    good = [
        {"text": f"Anna {i} lives in Paris", "entities": [{"start": 0, "end": 4, "label": "PER"}]} for i in range(30)
    ]
    return lines({"text": text, "entities": list(entities)}, good=good)


def question_rows(*bad: Any) -> Callable[[Path], object]:
    return lines(*bad, good=_QA)


def chat_rows(*bad: Any) -> Callable[[Path], object]:
    return lines(*bad, good=_CHAT)


def conll(*bad: str) -> Callable[[Path], object]:
    good = "".join(f"Anna B-PER\nlives O\nin O\nParis{i} B-LOC\n\n" for i in range(30))
    return written(good + "".join(line + "\n" for line in bad), "tickets.conll")


def numbers(*bad: Any) -> Callable[[Path], object]:
    good = [(f"{text} {i}", str(i / 7)) for i, (text, _) in enumerate(GOOD)]
    return rows(*bad, good=good, header=("text", "label"))


J, P, C = "tickets.jsonl", "tickets.parquet", "tickets.conll"
REGRESSION, MULTI, CHAT = ("task=regression",), ("task=multilabel",), ("task=sft",)
CASES: list[Case] = [
    # ---- the file
    Case(1, "empty file", "R", "empty-file", written(b""), "0 bytes"),
    Case(2, "header only", "R", "no-rows", written("body,team\n"), "body,team"),
    Case(2, "blank lines only", "R", "empty-file", written("\n\n  \n"), "empty"),
    Case(3, "missing column, near name", "R", "missing-column", written(table(GOOD, ("boddy", "team"))), "did you mean 'boddy'", keys=("data.columns.text=body",), pastes=(Paste("data.columns.text=boddy"),)),
    Case(4, "column differs by case and space", "K", "missing-column", written(table(GOOD, (" Body", "TEAM"))), keys=("data.columns.text=body", "data.columns.label=team")),
    Case(4, "column differs by case, two fit", "R", "missing-column", written(table([(a, a, b) for a, b in GOOD], ("Body", "BODY", "team"))), keys=("data.columns.text=body",), pastes=(Paste("data.columns.text=BODY"),)),
    Case(5, "no header", "R", "no-header", written(table(GOOD[1:], ("the parcel was late again and the driver left it on the porch", "delivery"))), "data.header=false", line=1, pastes=(Paste("data.header=false data.columns.text=1"),)),
    Case(6, "header twice", "R", "duplicate-header", written(table([(b, a, b) for a, b in GOOD], ("team", "body", "team"))), "columns 1 and 3", line=1, pastes=(Paste("data.header=false"),)),
    Case(7, "UTF-8 with BOM", "K", "", written(b"\xef\xbb\xbf" + table(GOOD).encode())),
    Case(8, "UTF-16 with BOM", "K", "", written(b"\xff\xfe" + table(GOOD).encode("utf-16-le"))),
    Case(8, "UTF-16 without BOM", "K", "", encoded("utf-16-le", chinese=False)),
    Case(8, "UTF-32 with BOM", "K", "", written(table(GOOD).encode("utf-32"))),
    Case(9, "GB18030", "K", "", encoded("gb18030")),
    Case(9, "Big5", "K", "", written(table([(a.translate(str.maketrans("麻烦你们请尽处订单发账码电会员没们题怎么还来没错话递", "麻煩你們請盡處訂單發賬碼電會員沒們題怎麼還來沒錯話遞")), "物流") for a, _ in CHINESE[:5]] + [(f"這個產品真的很好用第{i}次購買", "售後") for i in range(20)]).encode("big5", "ignore"))),
    Case(9, "Windows-1252", "K", "", encoded("cp1252", chinese=False)),
    Case(10, "mixed encodings", "F!", "mixed-encoding", written(table([(a + " café", b) for a, b in GOOD]).encode() + "le caf\xe9 est froid,refund\n".encode("cp1252")), "e9", line=62),
    Case(11, "a NUL byte", "F!", "nul-byte", raw("the par\0cel,delivery"), "\\x00", line=62, pastes=(Paste("--fix OUT"),)),
    Case(11, "another control character", "F!", "control-character", raw("the par\x1b[31mcel,delivery"), "\\x1b", line=62, pastes=(Paste("--fix OUT"),)),
    Case(12, "cut inside a character", "F!", "cut-file", written(table(CHINESE).encode()[:-8]), "cut", line=61),
    Case(13, "ragged rows", "F!", "ragged-row", raw("a, comma, without quotes,delivery", "too few"), "4 fields", line=62),
    Case(14, "unterminated quote", "R", "open-quote", raw('"never closed,delivery', "next,refund"), "never closed", line=62),
    Case(15, "quote inside a field", "F!", "broken-quote", raw('"a "quoted" word",delivery'), "closing quote", line=62),
    Case(16, "semicolons", "K", "", written(table(GOOD, delimiter=";"))),
    Case(16, "tabs", "K", "", written(table(GOOD, delimiter="\t"))),
    Case(16, "pipes", "K", "", written(table(GOOD, delimiter="|"))),
    Case(17, "carriage returns and a cell of two lines, later lines counted as an editor does", "F!", "missing-label", written(table([*GOOD[:58], ("two\nlines", "refund"), ("no label", "")]).replace("\n", "\r\n")), line=62),
    Case(18, "the header repeated inside", "F!", "repeated-header", raw("body,team"), line=62),
    # ---- labels
    Case(19, "no label", "F!", "missing-label", rows(("a text", ""), ("another", "  ")), "no label", line=62),
    Case(19, "a label that is null", "F!", "missing-label", lines({"body": "a text", "team": None}), "no label", line=61, file=J),
    Case(20, "a label that is NaN", "F!", "nan-label", lines('{"body": "a text", "team": NaN}'), "NaN", line=61, file=J),
    Case(21, "labels NA, None, null, nan", "K", "missing-label", written(table([(a, ["NA", "None", "null", "nan"][i % 4]) for i, (a, _) in enumerate(GOOD)]))),
    Case(22, "labels 007, +1, 1e3, 1.0 and long ids", "K", "", written(table([(a, ["007", "+1", "1e3", "1.0", "1234567890123456789"][i % 5]) for i, (a, _) in enumerate(GOOD)]))),
    Case(23, "labels that differ by case and space", "F", "alike-labels", rows(("a text that is new", "Refund"), ("one more text", "refund ")), "U+", pastes=(Paste("--fix OUT"),)),
    Case(23, "labels that look alike", "F", "alike-labels", rows(("a text that is new", "rеfund"), ("one more", "rеfund")), "U+0435", pastes=(Paste("--fix OUT"),)),
    Case(24, "one class", "F!", "one-class", written(table([(a, "same") for a, _ in GOOD])), "'same'"),
    Case(25, "a class of one row", "F", "rare-class", rows(("a text", "alone")), "'alone'", line=62),
    Case(26, "every label different", "F!", "label-is-id", written(table([(a, f"id-{i}") for i, (a, _) in enumerate(GOOD)])), "looks like an id"),
    Case(26, "columns swapped", "F!", "label-is-id", written(table([(b, a) for a, b in GOOD])), pastes=(Paste("data.columns.text=team data.columns.label=body"),)),
    Case(27, "over 1,000 classes", "F", "many-classes", written(table([(f"{GOOD[i % 60][0]} {i}", f"class {i // 2}") for i in range(2600)]))),
    Case(27, "one class of 99 %", "F", "imbalance", written(table([(f"{GOOD[i % 60][0]} {i}", "rare" if i < 4 else "common") for i in range(500)])), pastes=(Paste("balance=auto", stays=True),)),
    Case(28, "unseen label in the test file", "F!", "unseen-label", two_files(GOOD, [("a new text", "unheard")]), "'unheard'", keys=_TEST, file="test.csv", line=2),
    Case(29, "labels of mixed types", "F!", "mixed-label-types", lines(*[{"body": f"text {i}", "team": [1, "1", True][i % 3]} for i in range(30)], good=[]), file=J),
    Case(30, "the label in the text", "F", "shortcut", written(table([(f"{a} zz{b}", b) for a, b in GOOD]))),
    # ---- rows against each other
    Case(31, "duplicate rows", "F", "exact-duplicate", rows(GOOD[0], GOOD[1]), line=62),
    Case(32, "rows of the test file stand in training", "F", "split-leak", two_files(GOOD, [GOOD[0], *ticket_rows(80, seed=5)[60:]]), keys=_TEST, file="test.csv", line=2),
    Case(32, "the test file is the training file", "F!", "split-leak", two_files(GOOD, GOOD), keys=_TEST, file="test.csv", line=2, leaves_rows=False),
    Case(33, "conflicting duplicates", "F", "conflicting-label", rows((GOOD[0][0], "billing" if GOOD[0][1] != "billing" else "refund")), line=2),
    # ---- texts
    Case(34, "no text", "F!", "missing-text", rows(("", "refund"), ("   ", "refund")), "no text", line=62),
    Case(34, "invisible characters alone", "F!", "invisible-text", rows(("\u200b\u200b\ufeff", "refund")), line=62),
    Case(35, "a cell of 10 MB", "F", "long-cell", rows(("word " * 2_000_000, "refund")), line=62),
    Case(36, "right to left, emoji, combining, beyond the BMP", "K", "invisible-character", rows(("שלום עולם מה שלומך", "refund"), ("👩‍👩‍👧 thanks a lot", "refund"), ("e\u0301te\u0301 is here", "refund"), ("𠮷野家で食べた", "refund"))),
    Case(37, "a lone surrogate", "F!", "lone-surrogate", lines('{"body": "half \\ud83d", "team": "refund"}'), line=61, file=J),
    Case(38, "double-encoded text", "F", "mojibake", rows(("le cafÃ© est trÃ¨s bon Ã  lâ€™Ã©cole", "refund"), ("DÃ©jÃ  vu, câ€™est lâ€™Ã©tÃ©", "refund")), "café", line=62, pastes=(Paste("--fix OUT"), Paste("data.clean=mojibake"),)),
    Case(40, "every text the same", "F!", "same-text", written(table([("same", b) for _, b in GOOD]))),
    Case(40, "every text a number", "F!", "text-is-id", written(table([(str(100000 + i), a, b) for i, (a, b) in enumerate(GOOD)], ("body", "note", "team"))), pastes=(Paste("data.columns.text=…", "data.columns.text=note"),)),
    Case(41, "HTML in most rows", "F", "html", written(table([(f"<p>{a}</p><br/>", b) for a, b in GOOD])), line=2, pastes=(Paste("--fix OUT"), Paste("data.clean=html"),)),
    Case(42, "personal data", "F", "personal-data", rows(("write to anna.berg@example.com please", "refund"), ("call +44 20 7946 0958 now", "refund")), line=62, pastes=(Paste("--fix OUT --mask"), Paste("data.clean=mask"),)),
    Case(43, "too few rows to split", "F!", "too-few-rows", written(table([("a", "x"), ("b", "y")])), "too few"),
    Case(44, "a group column of one group", "R", "group-split", written(table([(*row, "one") for row in GOOD], (*HEADER, "customer"))), keys=("data.split.group=customer",), command="init", pastes=(Paste("data.split.group= data.split.by=random"),)),
    # ---- JSON
    Case(45, "a broken line", "R", "broken-json", lines('{"body": "a", "team": ', '{"body": "b"}'), "is not JSON", line=61, file=J),
    Case(46, "Python instead of JSON", "R", "broken-json", lines("{'body': 'a', 'team': 'b'}"), '"double" quotes', line=61, file=J),
    Case(46, "a trailing comma", "R", "broken-json", lines('{"body": "a", "team": "b",}'), "comma", line=61, file=J),
    Case(46, "a comment", "R", "broken-json", lines('// {"body": "a"}'), "comment", line=61, file=J),
    Case(47, "a JSON list under .jsonl", "K", "", written(json.dumps([{"body": a, "team": b} for a, b in GOOD]), J), file=J),
    Case(47, "a CSV under .jsonl", "K", "", written(table(GOOD), J), file=J),
    Case(47, "JSON Lines under .csv", "K", "", lines(name="tickets.csv")),
    Case(48, "a row that is no object", "F!", "not-an-object", lines("[1, 2]"), line=61, file=J),
    Case(48, "a key missing", "F!", "missing-text", lines({"team": "refund"}), line=61, file=J),
    Case(48, "a key twice", "F!", "duplicate-key", lines('{"body": "a", "body": "b", "team": "c"}'), line=61, file=J),
    Case(49, "a text that is a number", "F!", "wrong-type", lines({"body": 7, "team": "refund"}), line=61, file=J),
    Case(49, "a text that is a list", "F!", "wrong-type", lines({"body": ["a"], "team": "refund"}), line=61, file=J),
    Case(50, "nested 10,000 deep", "R", "too-deep", lines('{"body": ' + "[" * 10_000 + "]" * 10_000 + "}"), "deep", line=61, file=J),
    Case(50, "a number of 10,000 digits", "R", "too-deep", lines('{"body": "a", "n": ' + "9" * 10_000 + "}"), "too long", line=61, file=J),
    # ---- numbers, several labels, pairs
    Case(51, "a target that is no number", "F!", "not-a-number", numbers(("a text", "1,5"), ("a text more", "5 €"), ("one", "inf")), "1,5", line=62, keys=REGRESSION),
    Case(52, "a constant target", "F!", "constant-target", written(table([(a, "3") for a, _ in GOOD], ("text", "label"))), keys=REGRESSION),
    Case(52, "a far outlier", "F", "outlier", numbers(("a text of its own", "99999")), line=62, keys=REGRESSION),
    Case(53, "null in a list of labels", "F!", "missing-label", lines({"text": "a text", "label": ["x", None]}, good=[{"text": a, "label": [b, "x"]} for a, b in GOOD]), line=61, file=J, keys=MULTI),
    Case(53, "no label set", "K", "missing-label", lines({"text": "a text", "label": []}, good=[{"text": a, "label": [b, "x"][: 1 + i % 2]} for i, (a, b) in enumerate(GOOD)]), file=J, keys=MULTI),
    Case(54, "a pair column that is missing", "R", "missing-column", rows(good=[(a, a[::-1], b) for a, b in GOOD], header=("body", "reply", "team")), keys=("data.columns.text_pair=answer",), pastes=(Paste("data.columns.text_pair=…", "data.columns.text_pair=reply"),)),
    Case(54, "one side of a pair empty", "F!", "missing-text", rows(("a", "", "yes"), good=[(a, a[::-1], b) for a, b in GOOD], header=("text", "text_pair", "label")), line=62),
    Case(54, "both sides equal", "F", "equal-pair", rows(("same words", "same words", "refund"), good=[(a, a[::-1], b) for a, b in GOOD], header=("text", "text_pair", "label")), line=62),
    # ---- entities
    Case(55, "I- without B-", "F", "tag-sequence", conll("Bob O", "Smith I-PER", ""), line=152, file=C, pastes=(Paste("--fix OUT"),)),
    Case(56, "a tag without a type", "F!", "bad-tag", conll("Bob B-", ""), line=151, file=C),
    Case(56, "an unknown prefix", "F!", "bad-tag", conll("Bob X-PER", ""), line=151, file=C),
    Case(56, "a tag missing", "F!", "conll-columns", conll("Bob", "Smith I-PER", ""), line=151, file=C),
    Case(57, "BIO and BIOES mixed", "F!", "mixed-tag-schemes", conll("Bob S-PER", "", "Ann B-PER", "Smith E-PER", ""), file=C),
    Case(58, "tokens and tags of different length", "F!", "length-mismatch", entity_rows({"tokens": ["a", "b"], "ner_tags": ["O"]}), "2", line=31, file=J),
    Case(59, "a span outside the text", "F!", "span-range", spans({"start": 14, "end": 99, "label": "LOC"}), line=31, file=J),
    Case(59, "a span backwards", "F!", "span-range", spans({"start": 9, "end": 4, "label": "LOC"}), line=31, file=J),
    Case(59, "overlapping spans", "F!", "span-overlap", spans({"start": 0, "end": 10, "label": "PER"}, {"start": 5, "end": 13, "label": "LOC"}), line=31, file=J),
    Case(59, "a span that cuts a word", "F!", "cut-word", spans({"start": 14, "end": 17, "label": "LOC"}), "Par", line=31, file=J),
    # ---- questions
    Case(61, "an answer that is not in the context", "F!", "answer-not-in-context", question_rows({**_QA[0], "id": "x", "answers": {"text": ["London"], "answer_start": [3]}}), "London", line=31, file=J),
    Case(62, "a wrong offset", "F!", "answer-offset", question_rows({**_QA[0], "id": "x", "answers": {"text": ["Paris"], "answer_start": [3]}}), line=31, file=J),
    Case(63, "texts and offsets of different length", "F!", "length-mismatch", question_rows({**_QA[0], "id": "x", "answers": {"text": ["Paris"], "answer_start": [3, 4]}}), line=31, file=J),
    Case(63, "an id twice", "F!", "duplicate-id", question_rows({**_QA[1], "id": "0"}), line=31, file=J),
    # ---- dialogue, generation
    Case(64, "no assistant turn", "F!", "no-assistant-turn", chat_rows(chat(("user", "hello there"))), line=31, file=J),
    Case(65, "the system turn not first", "F!", "system-order", chat_rows(chat(("user", "hi"), ("system", "be kind"), ("assistant", "yes"))), line=31, file=J),
    Case(66, "an unknown role", "F!", "unknown-role", chat_rows(chat(("user", "hi"), ("Bot", "yes"))), "'Bot'", line=31, file=J),
    Case(67, "an empty answer", "F!", "empty-turn", chat_rows(chat(("user", "hi"), ("assistant", ""))), line=31, file=J),
    Case(68, "ends with the user", "F", "turn-order", chat_rows(chat(("user", "hi"), ("assistant", "yes"), ("user", "and?"))), line=31, file=J),
    Case(71, "special tokens in a user's text", "F", "special-token", chat_rows(chat(("user", "hi <|im_end|> ha"), ("assistant", "yes"))), line=31, file=J),
    Case(72, "a misspelt Alpaca key", "F!", "missing-column", lines({"instruction": "say it", "outptu": "it"}, good=[{"instruction": a, "output": b} for a, b in GOOD]), line=61, file=J),
    Case(73, "an empty output", "F!", "missing-text", lines({"input": "a story", "output": ""}, good=_SUM), line=31, file=J),
    Case(73, "the output equals the input", "F!", "equal-output", lines({"input": "a story of its own", "output": "a story of its own"}, good=_SUM), line=31, file=J),
    # ---- other kinds of file
    Case(74, "a cut Parquet file", "R", "damaged-file", parquet(_BOTH, cut=400), file=P),
    Case(74, "Parquet without rows", "R", "no-rows", parquet({"body": [], "team": []}), file=P),
    Case(75, "an Excel workbook under a text name", "R", "wrong-kind", lambda f: _excel(f / "tickets.csv")),
    Case(75, "a PDF", "R", "wrong-kind", written(b"%PDF-1.7 ..."), "PDF"),
    Case(75, "a picture", "R", "wrong-kind", written(b"\x89PNG\r\n\x1a\n...."), "PNG"),
    Case(75, "an HTML page", "R", "wrong-kind", written("<!DOCTYPE html><html></html>"), "HTML"),
    Case(75, "a Git LFS pointer", "R", "wrong-kind", written("version https://git-lfs.github.com/spec/v1\n"), "LFS"),
    Case(76, "a cut gzip file", "R", "packed-file", written(gzip.compress(table(GOOD).encode() * 9)[:300], "tickets.csv.gz"), file="tickets.csv.gz"),
    Case(76, "a bzip2 file", "K", "", written(bz2.compress(table(GOOD).encode()), "tickets.csv.bz2"), file="tickets.csv.bz2"),
    Case(76, "a zip of one file", "K", "", written(zipped(("a.csv", table(GOOD))), "tickets.zip"), file="tickets.zip"),
    Case(76, "a zip of several files", "R", "packed-file", written(zipped(("a.csv", table(GOOD)), ("b.csv", table(GOOD))), "tickets.zip"), file="tickets.zip"),
    Case(76, "larger than data.max_bytes", "R", "packed-file", written(gzip.compress(table(GOOD * 100).encode()), "tickets.csv.gz"), file="tickets.csv.gz", keys=("data.max_bytes=1000",), pastes=(Paste("data.max_bytes=…", "data.max_bytes=1000000"),)),
    Case(77, "a folder of different files", "R", "not-a-file", lambda f: [(f / "tickets.csv").mkdir(), (f / "tickets.csv" / "a.txt").touch(), (f / "tickets.csv" / "b.pdf").touch()], "folder", pastes=(Paste("'data.train=tickets.csv/*.txt'"),)),
    Case(77, "a FIFO", "R", "not-a-file", fifo),
    Case(77, "a device", "R", "not-a-file", lambda f: None, file="/dev/zero"),
    Case(78, "a dangling link", "R", "no-such-file", lambda f: (f / "tickets.csv").symlink_to("nowhere.csv"), "nowhere.csv"),
    Case(78, "a looping link", "R", "no-such-file", loop),
    Case(79, "a near name", "R", "no-such-file", written(table(GOOD), "ticket.csv"), "did you mean 'ticket.csv'", pastes=(Paste("ticket.csv"),)),
    Case(79, "a pattern that matches nothing", "R", "no-such-file", written(table(GOOD), "ticket.csv"), file="*.jsonl"),
    Case(80, "an unknown scheme", "R", "unknown-scheme", lambda f: None, file="gopher://example.com/a.csv"),
    Case(80, "an address that cannot be reached", "R", "unreachable", lambda f: None, file="http://127.0.0.1:9/a.csv"),
    Case(82, "a folder without write permission", "K", "", lambda f: [written(table(GOOD))(f), f.chmod(0o555)]),
]  # fmt: skip


def _excel(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [HEADER, *GOOD]:
        sheet.append(row)
    book.save(path.with_suffix(".xlsx"))
    path.with_suffix(".xlsx").rename(path)
