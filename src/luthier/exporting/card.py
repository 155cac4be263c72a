"""What the model card of an exported folder says beside the original's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.files import size_text

if TYPE_CHECKING:
    from luthier.exporting.result import Exported

_SECTION = """
## Exported as {form}

{reads}
Before it was handed over it was held against the original: {sentence}.

| | original | exported |
| --- | --- | --- |
| one text, median | {slow:.1f} ms | {fast:.1f} ms |
| weights | {large} | {small} |

`export.json` has these and further facts. Above stands the card of the original, whose weights these are.
"""
_READS = {
    "onnx": "ONNX Runtime computes it: `pip install 'luthier[runtime]'`, without torch.\n"
    "`luthier predict`, `evaluate` and `serve` take this folder as they take a run.\n",
    "gguf": "llama.cpp and its kin read `model.gguf`; `luthier predict`, `chat` and `serve` take this folder too.\n",
    "merged": "`luthier predict`, `evaluate` and `serve` take this folder as they take a run.\n",
}


def with_export(card: str, exported: Exported) -> str:
    """card: the original's README.md."""
    section = _SECTION.format(
        form=exported.form, reads=_READS[exported.form.partition("-")[0]],
        sentence=exported.gate.sentence.rstrip("."),
        slow=1000 * exported.seconds[0], fast=1000 * exported.seconds[1],
        large=size_text(exported.size[0]), small=size_text(exported.size[1]),
    )  # fmt: skip
    return card.rstrip("\n") + "\n" + section
