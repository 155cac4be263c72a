"""Splits that cannot be made, and what would help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from luthier.data.split import Split
from luthier.errors import DataError, Place, printable
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.types import PARTS, Example

LEAST_OF_A_SHARE = 0.5
"""A part that gets less than half of what it was to have is not what was asked for."""
_MOST_LISTED = 10

Examples = Sequence[Example[Any, Any]]


def too_few(examples: Examples, layout: AnyFormat, units: int, needed: int) -> DataError:
    """Too few separate rows. needed: how many there must be at least."""
    counts: Counter[str] = Counter()
    for example in examples:
        stratum = layout.stratum(example.answer)
        counts.update(map(str, sorted(stratum, key=str) if isinstance(stratum, frozenset) else [stratum]))
    counts.pop("None", None)
    what = t("{units} different rows are too few to split", units=units)
    if counts:
        what += f" ({_listed(counts)})"
    fix = t("at least {needed} are needed, of a class at least two that differ, a hundred a class to learn anything; "
            "add rows", needed=needed)  # fmt: skip
    return DataError.at(_file(examples), what, fix, code="too-few-rows")


def group_split(examples: Examples, layout: AnyFormat, units: int, needed: int) -> DataError:
    """The groups are too few, or each is alone with a class of its own."""
    what = t("{units} separate groups cannot fill every part ({groups})", units=units, groups=_groups(examples))
    fix = t("choose another group column, or split without groups: data.split.group= data.split.by=random")
    if units >= needed:
        what = t("the groups cannot be split: rows of one class all lie in one group ({groups})",
                 groups=_groups(examples))  # fmt: skip
    return DataError.at(_file(examples), what, fix, code="group-split")


def uneven_groups(examples: Examples, part: str, size: int, wanted: float, instead: str) -> None:
    """part: for people, with the `size` of it and the one that it was to have. instead: settings that would go.

    Errors: DataError where the part has less than half of its rows.
    """
    if size < LEAST_OF_A_SHARE * wanted:
        what = t("the groups cannot be split as asked: {part} would have {size} rows instead of {wanted:.0f} "
                 "({groups})", part=part, size=size, wanted=wanted, groups=_groups(examples))  # fmt: skip
        fix = t("ask for what the groups allow, such as {instead}, choose another group column, or split without "
                "groups: data.split.group= data.split.by=random", instead=instead)  # fmt: skip
        raise DataError.at(_file(examples), what, fix, code="group-split")


def smaller_shares(test: float, validation: float, largest: float) -> str:
    """Shares of the same proportion that fit beside a group that holds `largest` of the rows."""
    factor = min(0.9, (1 - largest) / (test + validation))
    wanted = {"test": test, "validation": validation}
    return " ".join(f"data.split.{name}={max(0.001, share * factor):.2g}" for name, share in wanted.items() if share)


def few_times(examples: Examples, written: Sequence[str], needed: int) -> DataError:
    what = t("{count} different times cannot fill every part ({times})", count=len(set(written)),
             times=_listed(Counter(written)))  # fmt: skip
    fix = t("choose another time column, or split at random: data.split.time= data.split.by=random")
    return DataError.at(_file(examples), what, fix, code="time-split")


def named_parts(examples: Examples, rows: Sequence[int]) -> DataError:
    """A column that gives no row to training, or all of them."""
    sizes = _listed(Counter(PARTS[p] for p in rows))
    what = t("the split column leaves a part empty that is needed ({sizes})", sizes=sizes)
    return DataError.at(_file(examples), what, t("training and test (or validation) need rows"), code="column-split")


def unseen(split: Split[Any, Any], layout: AnyFormat) -> DataError | None:
    """Rows to validate or test on with a class that no training row has."""
    known = {c for example in split.train for c in _classes(layout, example)}
    strange = [e for name in PARTS[1:] for e in split.part(name) if not known.issuperset(_classes(layout, e))]
    if not strange or not known:
        return None
    counts = Counter(str(c) for e in strange for c in _classes(layout, e) if c not in known)
    what = t("{count} rows to validate or test on have a label that no training row has ({names})",
             count=len(strange), names=_listed(counts))  # fmt: skip
    fix = t("add rows of that label to the training data, or mend it")
    return DataError.at(strange[0].place, what, fix, code="unseen-label", also=[e.place for e in strange[1:]])


def _classes(layout: AnyFormat, example: Example[Any, Any]) -> frozenset[Any]:
    stratum = layout.stratum(example.answer)
    return stratum if isinstance(stratum, frozenset) else frozenset() if stratum is None else frozenset((stratum,))


def _groups(examples: Examples) -> str:
    counts = Counter(example.group for example in examples)
    return t("{count} groups: {sizes}", count=len(counts), sizes=_listed(counts))


def _listed(counts: Counter[str]) -> str:
    names = ", ".join(f"{printable(name[:40])} {count}" for name, count in counts.most_common(_MOST_LISTED))
    return names + (" …" if len(counts) > _MOST_LISTED else "")


def _file(examples: Examples) -> Place:
    return Place(examples[0].place.file if examples else "data")
