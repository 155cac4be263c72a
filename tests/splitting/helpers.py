"""Examples without files, and splits of them."""

from collections.abc import Hashable, Sequence
from typing import Any

from luthier.data.split import Split
from luthier.formats.labelled import Labelled
from luthier.splitting.shares import Shares
from luthier.splitting.split import Way, split_examples
from luthier.types import PARTS, Example

DEFAULT = Shares(test=0.2, validation=0.1, seed=42)


class Answers(Labelled):
    """Whatever the answer is, is the class; a frozenset is several."""

    def stratum(self, answer: Any) -> Hashable:
        return answer


LAYOUT = Answers()


def split(
    rows: Sequence[Example[Any, Any]], shares: Shares = DEFAULT, *, by: str = "random", near: bool = True
) -> Split[Any, Any]:
    return split_examples(rows, LAYOUT, Way(shares, by, near))


def sizes(parts: Split[Any, Any]) -> list[int]:
    return [len(parts.part(name)) for name in PARTS]


def part_of(parts: Split[Any, Any]) -> dict[int, str]:
    """Of each row number its part; no row stands in two."""
    found = [(example.row, name) for name in PARTS for example in parts.part(name)]
    assert len({row for row, _ in found}) == len(found)
    return dict(found)
