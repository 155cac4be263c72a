"""Brings the Chinese catalogue up to date with the sentences in the sources, and compiles it.

python tools/messages.py            # keeps translations, adds new sentences empty, drops old ones, compiles
"""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parents[1] / "src" / "luthier"
LOCALE = SOURCE / "locale" / "zh" / "LC_MESSAGES"
NAMES = {"train", "validation", "test", "error", "warning"}
"""Said through a variable: the parts of a split, severities."""
SAYS = {"t", "_wanted", "_real", "_means"}
"""Functions whose first argument is a sentence: those of config/schema.py for what a setting wants, that of
config/meanings.py for what it means."""


def sentences() -> set[str]:
    """Every literal that goes through t() in the sources and the pages."""
    found: set[str] = set(NAMES)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    for page in SOURCE.rglob("*.html"):
        calls = re.findall(r"""\bt\((?:"([^"]+)"|'([^']+)')""", page.read_text(encoding="utf-8"))
        found |= {double or single for double, single in calls}
    return found


def translations() -> dict[str, str]:
    """The catalogue as it is: sentence to translation, "" where there is none yet."""
    path = LOCALE / "luthier.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def main() -> None:
    known = translations()
    catalogue = Catalog(locale="zh", project="luthier", fuzzy=False)
    for sentence in sorted(sentences()):
        catalogue.add(sentence, known.get(sentence, ""))
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, omit_header=False, width=120)
    write_mo(compiled, catalogue)
    dates = re.compile(rb'"(POT-Creation-Date|PO-Revision-Date|Generated-By)[^\n]*\n')
    (LOCALE / "luthier.po").write_bytes(dates.sub(b"", text.getvalue()))
    (LOCALE / "luthier.mo").write_bytes(compiled.getvalue())
    missing = [sentence for sentence in sorted(sentences()) if not known.get(sentence)]
    print(f"{len(sentences())} sentences, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
