"""What report.html shows of texts that a model wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.language import t

_MOST_SHOWN = 10
_LONGEST = 1200


def samples_shown(samples: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Of each sample its heading and its texts, each under its name, so that they are told apart without colour. Of a
    long question the end is shown, where what is asked stands; of a long answer the beginning."""
    shown: list[dict[str, Any]] = []
    for number, row in enumerate(samples["rows"][:_MOST_SHOWN] if samples else (), 1):
        heading = t("Sample {number}", number=number)
        if row["line"]:
            heading = t("Sample {number}, line {line}", number=number, line=row["line"])
        stop = "" if row["stopped"] else t("cut off after {tokens} tokens", tokens=row["tokens"])
        texts = [
            (t("asked"), _end(row["asked"]), ""),
            (t("reference"), _beginning(row["reference"] or None), ""),
            (t("untuned model"), _beginning(row["untuned"]), ""),
            (t("tuned model"), _beginning(row["tuned"]), stop),
        ]
        said = [(name, text or t("(nothing)"), note) for name, text, note in texts if text is not None]
        readable = [(name, _readable(text), note) for name, text, note in said]
        shown.append({"heading": heading, "texts": readable})
    return shown


def _readable(text: str) -> str:
    """An untuned model may write anything, control characters too."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _beginning(text: str | None) -> str | None:
    if text is None or len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 1] + "…"


def _end(text: str) -> str:
    return text if len(text) <= _LONGEST else "…" + text[1 - _LONGEST :]
