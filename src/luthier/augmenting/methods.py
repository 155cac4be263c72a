"""The augmentations. A public function here is a method: its name is the method's name, its keyword arguments are the
section `augment` of the YAML, and their defaults are the method's defaults.

Dropping and swapping words are two of the four "easy data augmentations" of Wei & Zou 2019; replacing words by what a
masked language model proposes is that of Kobayashi 2018 and Wu et al. 2019. A text is never emptied; negations and the
words of a label's own name stay where they are.
"""

from __future__ import annotations

import numpy as np

from luthier.augmenting.masked import load_masked, propose
from luthier.augmenting.method import Change, Method, Setting
from luthier.errors import ConfigError
from luthier.language import t
from luthier.models.find import find_model
from luthier.text.words import core, units


def none(setting: Setting) -> None:
    """Every row is seen as it is."""


def dropout(setting: Setting, *, share: float = 0.1) -> Method:
    """Words are left out, each with this probability; at least half of them stay."""
    _check_share(share)
    safety = setting.safety

    def change(text: str, rng: np.random.Generator) -> str:
        words = units(text)
        drawn = rng.random(len(words))
        free = (i for i, word in enumerate(words) if drawn[i] < share and not safety.stays(word))
        out = set(sorted(free, key=lambda i: drawn[i])[: len(words) // 2])
        left = "".join(word for i, word in enumerate(words) if i not in out).strip()
        return left if any(core(word) for word in units(left)) else text

    return _ready(change)


def swap(setting: Setting, *, share: float = 0.1) -> Method:
    """Neighbouring words change places, each pair with this probability."""
    _check_share(share)
    safety = setting.safety

    def change(text: str, rng: np.random.Generator) -> str:
        words = units(text)
        drawn = rng.random(len(words))
        i = 1
        while i < len(words):
            pair = words[i - 1], words[i]
            if drawn[i] < share and not any(map(safety.stays, pair)):
                words[i - 1], words[i] = (_spaced(new, old) for new, old in zip(reversed(pair), pair, strict=True))
                i += 1  # what was moved is not moved on
            i += 1
        return "".join(words)

    return _ready(change)


def mask(setting: Setting, *, share: float = 0.1, model: str | None = None) -> Method:
    """Words are replaced, each with this probability, by what a masked language model would put there. Words on which
    the class hangs are neither replaced nor put in.

    model: a model with a masked-language head; the one that is tuned, where none is named.
    """
    _check_share(share)
    folder = setting.folder if model is None else find_model(model)
    masked = load_masked(folder, setting.device)
    return Method(lambda texts, runtime, screen: propose(masked, texts, setting.safety, share, runtime, screen))


def _ready(change: Change) -> Method:
    return Method(lambda texts, runtime, screen: change)


def _spaced(word: str, old: str) -> str:
    """A word with the space that stood before another one."""
    return old[: len(old) - len(old.lstrip())] + word.lstrip()


def _check_share(share: float) -> None:
    if not 0 < share <= 0.5:
        what, fix = t("is {value}", value=share), t("use a number above 0, at most 0.5")
        raise ConfigError.at("augment.share", what, fix, code="out-of-range")
