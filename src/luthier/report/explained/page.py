"""explanation.html: why a model said what it said, for people; one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.claims import LOG_ODDS, LOG_PROBABILITY
from luthier.explaining.marked import fragment
from luthier.language import t
from luthier.report.files.predictions import as_cell
from luthier.report.render import rendered


def explanation_page(found: Mapping[str, Any]) -> str:
    """found: what `luthier explain --json` prints."""
    from markupsafe import Markup

    rows = [{**row, "marked": Markup(fragment(row)), "said": said(row["answer"]), "about": _about(row)}
            for row in found.get("explanations", ())]  # fmt: skip
    near = next((row["nearest_by"] for row in rows if row.get("nearest_by")), None)
    return rendered(
        "explained/explanation.html",
        title=t("{run}: why it says so", run=found["run"]),
        worth="",
        verdict=method_sentence(found["method"]),
        rows=rows,
        near_by={"embedding": t("by what the tuned model makes of them"), "words": t("by their words")}.get(near or ""),
        overall=found.get("overall"),
        faithful=faithful_sentences(found["faithfulness"]) if found.get("faithfulness") else (),
        shares=_shares(found.get("faithfulness")),
        notes=found.get("notes", ()),
        words=words_line,
    )


def marked_mistakes(explained: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The worst mistakes of a report, each with its marked text. explained: as report.json has it."""
    from markupsafe import Markup

    return [{**row, "marked": Markup(fragment(row))} for row in explained]  # every text in it is escaped


def method_sentence(how: str) -> str:
    """What the values of a method are."""
    return {
        "gradient": t("Each word has its gradient × input: a quick estimate of what it adds to the answer."),
        "integrated": t("Each word has its integrated gradients: together they add up to what all words change."),
        "occlusion": t("Each word has what the answer loses when it is taken out for itself."),
    }[how]


def number_sentence(reason: Mapping[str, Any]) -> str:
    """A reason's numbers in words."""
    names = {LOG_ODDS: t("log odds"), LOG_PROBABILITY: t("log probability")}
    unit = names.get(reason["unit"], t("units of the answer"))
    if reason["base"] is None:
        return t("{value:+.2f} ({unit})", value=reason["value"], unit=unit)
    return t("{value:+.2f} with the words, {base:+.2f} without any ({unit}); completeness error {error:+.4f}",
             value=reason["value"], base=reason["base"], unit=unit, error=reason["completeness_error"])  # fmt: skip


def flip_sentence(flip: Mapping[str, Any]) -> str:
    """The smallest edit in words."""
    if not flip["found"]:
        return t("No edit of up to {count} words changes the answer.", count=flip["within"])
    words = ", ".join(word["word"] for word in flip["words"])
    if flip["answer"] is None:
        return t("With these words hidden it is no longer said: {words}", words=words)
    return t("Without these words the answer is {answer}: {words}", answer=said(flip["answer"]), words=words)


def faithful_sentences(found: Mapping[str, Any]) -> list[str]:
    """What a test of faithfulness found."""
    made: list[str] = []
    for name, title in (
        ("deletion", t("Words taken out, the first named first")),
        ("insertion", t("Words put back, the first named first")),
    ):
        own, gain = found[name], found[name]["gain"]
        made.append(
            t("{title}: mean {named:.3f}, {random:.3f} in random order; better by {gain:+.3f} "
              "[{low:+.3f}, {high:+.3f}] on {rows} texts",
              title=title, named=own["mean"]["named"], random=own["mean"]["random"], gain=gain["value"],
              low=gain["low"], high=gain["high"], rows=found["rows"])
        )  # fmt: skip
    if found["completeness_error"] is not None:
        made.append(t("Completeness error: {error:.4f} on average", error=found["completeness_error"]))
    return made


def said(answer: Any) -> str:
    """An answer in a line."""
    if isinstance(answer, Mapping) and "label" in answer:
        return f"{answer['label']} ({answer['score']:.2f})" if "score" in answer else str(answer["label"])
    if isinstance(answer, Mapping):
        shown = [f"{value:.3f}" if isinstance(value, float) else str(as_cell(value)) for value in answer.values()]
        return ", ".join(shown)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return "; ".join(map(said, answer)) or "–"
    return str(answer)


def words_line(words: Sequence[Mapping[str, Any]]) -> str:
    """Words with what they add and how often they were met."""
    return ", ".join(f"{word['word']} {word['value']:+.2f} ({word['count']}×)" for word in words) or "–"


def _about(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Of each reason the sentences below the marked words."""
    return [
        {"name": reason["about"], "number": number_sentence(reason),
         "flip": flip_sentence(reason["flip"]) if reason.get("flip") else ""}
        for reason in row["reasons"]
    ]  # fmt: skip


def _shares(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if not found:
        return []
    columns = [found[name][order] for name in ("deletion", "insertion") for order in ("named", "random")]
    return [
        {"share": f"{share:.0%}", "cells": [f"{column[i]:.3f}" for column in columns]}
        for i, share in enumerate(found["shares"])
    ]  # fmt: skip
