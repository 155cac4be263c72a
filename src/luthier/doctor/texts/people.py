"""Which texts name a person by an address or a number?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from luthier.data.findings import WARNING
from luthier.doctor.check import Context
from luthier.doctor.gathered import Gathered
from luthier.doctor.texts.fault import TextFault, around
from luthier.errors import shown
from luthier.language import t
from luthier.text.people import masked, may_hold_personal_data, personal_data
from luthier.types import Finding


class PersonalData(TextFault):
    """personal-data: mail addresses, telephone numbers, identity cards, bank cards, accounts; no value is shown."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._kinds: Counter[str] = Counter()

    def is_possible(self, joined: str) -> bool:
        return may_hold_personal_data(joined)

    def fault(self, text: str) -> str | None:
        found = personal_data(text)
        self._kinds.update(one.kind for one in found)
        if not found or self.sample:
            return "" if found else None
        return shown(_masked_around(text, found[0].start))

    def told(self, data: Gathered) -> Iterable[Finding]:
        kinds = ", ".join(f"{_said(kind)} {count:,}" for kind, count in self._kinds.most_common())
        what = t("{count} texts hold personal data ({kinds}), as in {sample}",
                 count=len(self.rows), kinds=kinds, sample=self.sample)  # fmt: skip
        fix = t("--fix OUT --mask puts [phone], [email] … in their place, data.clean=mask in training and serving")
        yield Finding(WARNING, "personal-data", what, fix, data.places(self.rows, data.text_column))


def _masked_around(text: str, start: int) -> str:
    """What stands about the place, with everything masked, also what the cut may have hidden."""
    before, after = masked(text[:start]), masked(text[start:])
    return around(before + after, len(before), len(before) + 10)


def _said(kind: str) -> str:
    return {
        "email": t("mail addresses"),
        "phone": t("telephone numbers"),
        "id-card": t("identity cards"),
        "card": t("bank cards"),
        "iban": t("bank accounts"),
    }[kind]
