"""What `luthier explain` shows in the terminal: words with signs, so that nothing hangs on a colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.cli.console import Console
from luthier.errors import printable
from luthier.language import t

_LONGEST = 70
_MOST_NAMED = 8
_SIGNS = {1: "", 2: "+", 3: "++", 4: "+++"}
"""How strong a word is, beside it; of the faint ones nothing is said."""


def show(found: Mapping[str, Any], screen: Console) -> None:
    """found: what --json prints."""
    from luthier.report.explained.page import faithful_sentences, method_sentence

    for note in found["notes"]:
        screen.say(note)
    screen.say(method_sentence(found["method"]))
    for one in found.get("explanations", ()):
        screen.say()
        _one(one, screen)
    if "overall" in found:
        _together(found["overall"], screen)
    if "faithfulness" in found:
        screen.say()
        for sentence in faithful_sentences(found["faithfulness"]):
            screen.say(sentence)


def _one(one: Mapping[str, Any], screen: Console) -> None:
    from luthier.report.explained.page import flip_sentence, number_sentence, said

    if not one["reasons"]:
        screen.say(printable(f"{said(one['answer'])}: {' / '.join(one['texts'])[:_LONGEST]}"))
        screen.say("  " + t("The model said nothing whose words could be told."))
    for reason in one["reasons"]:
        screen.say(printable(f"{reason['about']}: {number_sentence(reason)}"))
        for number, text in enumerate(one["texts"]):
            screen.say("  " + printable(_marked(text, number, reason["words"])))
        if reason["flip"] is not None:
            screen.say("  " + printable(flip_sentence(reason["flip"])))
    rows = [(f"{near['likeness']:.2f}", str(near["answer"]), _short(near["text"]), str(near["line"] or ""))
            for near in one["nearest"] or ()]  # fmt: skip
    if rows:
        headers = (t("likeness"), t("answer"), t("text"), t("line"))
        screen.table(t("nearest training rows"), headers, rows)


def _marked(text: str, number: int, words: Sequence[Mapping[str, Any]]) -> str:
    """The text with signs behind its words: [good ++] speaks for the answer, [not --] against it."""
    from luthier.explaining.marked import strength

    strongest = max((abs(word["value"]) for word in words), default=0.0)
    made, last = "", 0
    for word in words:
        if word["text"] != number:
            continue
        level = strength(word["value"], strongest)
        signs = _SIGNS.get(level, "") if word["value"] > 0 else _SIGNS.get(level, "").replace("+", "-")
        surface = text[word["start"] : word["end"]]
        made += text[last : word["start"]] + (f"[{surface} {signs}]" if signs else surface)
        last = word["end"]
    return " ".join((made + text[last:]).split())


def _together(found: Mapping[str, Any], screen: Console) -> None:
    rows = [(row["answer"], str(row["rows"]), _words(row["for"]), _words(row["against"])) for row in found["classes"]]
    headers = (t("answer"), t("rows"), t("words for it"), t("words against it"))
    screen.table(t("words behind each answer, {n} rows", n=found["rows"]), headers, rows)
    if found["confusions"]:
        rows = [(row["answer"], row["said"], str(row["rows"]), _words(row["for"])) for row in found["confusions"]]
        headers = (t("answer"), t("predicted"), t("rows"), t("words that spoke for the wrong answer"))
        screen.table(t("most often confused"), headers, rows)
    if found["slices"]:
        rows = [(f"{t(row['by'])}: {row['value']}", str(row["rows"]), str(row["wrong"]), _words(row["for"]))
                for row in found["slices"]]  # fmt: skip
        headers = (t("part"), t("rows"), t("wrong"), t("words for what was said"))
        screen.table(t("each part of the rows"), headers, rows)


def _words(words: Sequence[Mapping[str, Any]]) -> str:
    from luthier.report.explained.page import words_line

    return words_line(words[:_MOST_NAMED])


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
