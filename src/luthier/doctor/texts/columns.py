"""Is the column of texts one of texts at all?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from luthier.data.findings import ERROR
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered, Piece
from luthier.errors import Place, shown
from luthier.language import t
from luthier.types import Finding

_ID = re.compile(r"\s*(?:[A-Za-z]{0,4}[-_#:]?\d[\d.,_/: -]*|[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12})\s*")
_LEAST_ROWS = 10


class NotText(Check):
    """text-is-id: every text is a number, a number behind some letters, or a UUID."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._only_ids = True
        self._first = ""

    def see(self, piece: Piece) -> None:
        self._first = self._first or piece.texts[0]
        self._only_ids = self._only_ids and all(_ID.fullmatch(text) for text in piece.texts)

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if self._only_ids and len(data) >= _LEAST_ROWS:
            column = data.text_column
            theirs = data.columns.get(column, column) if column else None
            what = t(
                "every text is a number or an id, such as {first}: this column is no text", first=shown(self._first)
            )
            fix = t("name the column of texts: data.columns.text=…")
            yield Finding(ERROR, "text-is-id", what, fix, (Place(data.files[0], None, theirs),))
