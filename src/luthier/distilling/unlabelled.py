"""Texts without answers, of which a student learns what its teacher says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.codec import Codec
from luthier.config.schema import DataSettings
from luthier.data.findings import grouped, refuse_errors
from luthier.data.split import Split
from luthier.errors import Problem
from luthier.language import t
from luthier.preparing.again import read_inputs
from luthier.progress import Progress
from luthier.types import PARTS, Example


def unlabelled_examples(
    named: str, codec: Codec, data: DataSettings, split: Split[Any, Any], screen: Progress
) -> Sequence[Example[Any, Any]]:
    """Each text once, and none that the run has already: a text of the test rows must not be seen before the test.
    Their answer stands for one that nobody reads. Errors: DataError."""
    plain = codec.task.format.plain_text
    known = {plain(example.input) for part in PARTS for example in split.part(part)}
    answer = split.train[0].answer
    made: list[Example[Any, Any]] = []
    bad: list[Problem] = []
    left = 0
    for item in read_inputs(named, codec, data.model_copy(update={"delimiter": None, "sheet": None}), screen):
        if isinstance(item, Problem):
            bad.append(item)
        elif plain(item) in known:
            left += 1
        else:
            known.add(plain(item))
            made.append(Example(item, answer))
    refuse_errors(grouped(bad), skip_rows=data.bad_rows == "skip")
    screen.say(
        t("{count:,} texts without answers are learnt from the teacher; {left:,} were there before and are left out",
          count=len(made), left=left)
    )  # fmt: skip
    return made
