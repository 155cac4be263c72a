"""Which of the rows go where, as the settings say or the defaults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.config.schema import SplitSettings
from luthier.data.split import Split
from luthier.language import t
from luthier.preparing.gather import Material
from luthier.splitting.saved import apply_saved, read_saved
from luthier.splitting.shares import Shares
from luthier.splitting.split import Folds, Way, fold_examples, looks_near, split_examples

DEFAULT_SHARES, DEFAULT_SEED = (0.2, 0.1), 42
"""Of test and validation; and the seed by which they are drawn."""


def divide(material: Material, how: SplitSettings) -> Split[Any, Any]:
    """The parts that were given as files stay; the others are cut from the training rows. how: decided."""
    train = material.parts["train"].examples
    if how.from_ is not None:
        saved, place = read_saved(Path(how.from_))
        names = {name: part.name for name, part in material.parts.items()}
        digests = {part.name: part.digest for part in material.parts.values()}
        return apply_saved(saved, place, material.examples, names, digests, material.reading)
    if how.folds is not None:
        own = folds_of(material, how).split(how.fold or 1)
    elif how.test or how.validation or how.by == "column":
        own = split_examples(train, material.task.format, _way(how))
    else:
        own = Split(train, (), ())
    return with_given(material, own)


def folds_of(material: Material, how: SplitSettings) -> Folds:
    return fold_examples(material.parts["train"].examples, material.task.format, _way(how))


def with_given(material: Material, own: Split[Any, Any]) -> Split[Any, Any]:
    """With the parts that are files of their own."""
    given = {name: part.examples for name, part in material.parts.items() if name != "train"}
    unused = [name for name in given if getattr(material.settings.split, name)]
    notes = [t("data.{part} is a file of its own: data.split.{part} is not used", part=name) for name in unused]
    return replace(own, **given, notes=(*own.notes, *notes))


def decided(material: Material) -> SplitSettings:
    """With nothing left open, not even whether there are too many rows to look for near-duplicates."""
    shares = material.task.format.usual_shares(len(material.parts["train"].examples))
    how = decided_split(material.settings.split, set(material.parts) - {"train"}, shares)
    if how.by in ("random", "group") and how.from_ is None:
        near = looks_near(material.parts["train"].examples, material.task.format, how.near_duplicates)
        how = how.model_copy(update={"near_duplicates": near})
    return how


def decided_split(split: SplitSettings, given: set[str], usual: tuple[float, float] = DEFAULT_SHARES) -> SplitSettings:
    """With nothing left open but whether there are too many rows to look for near-duplicates. Neither share named: the
    usual ones. Only test named: the textbook's two parts, without validation, unless it is 0. given: the parts that are
    files of their own, and so no share of the training file."""
    by = next((name for name in ("group", "time", "column") if getattr(split, name) is not None), split.by)
    if split.from_ is not None or by == "column":
        return split.model_copy(update={"by": by})
    test, validation = split.test, split.validation
    if split.folds is not None:
        test, validation = None, usual[1] if validation is None else validation
    elif not test and validation is None:
        test, validation = usual[0] if test is None else test, usual[1]
    elif test is None:
        test = usual[0]
    chosen = {
        "test": None if "test" in given else test,
        "validation": None if "validation" in given else validation or 0.0,
        "seed": DEFAULT_SEED if split.seed is None else split.seed,
        "by": by or "random",
    }
    return split.model_copy(update=chosen)


def _way(how: SplitSettings) -> Way:
    seed = DEFAULT_SEED if how.seed is None else how.seed
    shares = Shares(how.test or 0.0, how.validation or 0.0, seed)
    return Way(shares, how.by or "random", bool(how.near_duplicates), how.folds)
