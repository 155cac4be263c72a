"""What an augmentation is: a change of one text, drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from luthier.augmenting.safety import Safety
from luthier.models.find import ModelFolder
from luthier.progress import Progress

if TYPE_CHECKING:  # torch takes a second to import, and an exported model does without it
    from luthier.runtime import Runtime

Change = Callable[[str, np.random.Generator], str]
"""A text that says the same in other words; a function of the text and the generator's state alone."""


@dataclass(frozen=True)
class Setting:
    """What a method may look at when it is chosen. texts, classes: of the training rows; None for a row without a
    class. folder: of the model that is tuned."""

    texts: Sequence[str]
    classes: Sequence[Hashable]
    folder: ModelFolder
    device: str

    @cached_property
    def safety(self) -> Safety:
        return Safety.of(self.texts, self.classes)


@dataclass(frozen=True)
class Method:
    """prepare: looks at the training texts once, before the first step, and gives the change. Every process calls it,
    and all get the same."""

    prepare: Callable[[Sequence[str], Runtime, Progress], Change]
