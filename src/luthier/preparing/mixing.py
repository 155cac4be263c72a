"""data.mix: which files belong to which set, and the rows of those that only train."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.config.schema import DataSettings
from luthier.data.mixture import Mixture
from luthier.data.split import Split
from luthier.errors import ConfigError, DataError, shown, without_secrets
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.preparing.rows import read_options
from luthier.reading.open import expanded, identity, open_data
from luthier.reading.read import Table
from luthier.types import PARTS, Example


@dataclass(frozen=True)
class Mixed:
    """mixture: None where every row is shown once. extra: the files that only data.mix names: their rows train, and
    none of them is held out."""

    mixture: Mixture | None = None
    extra: Table | None = None


def open_mixed(data: DataSettings, tables: Mapping[str, Table]) -> Mixed:
    """tables: of each part that is given as files. Errors: ConfigError for shares that do not go together, DataError
    for a file that is in two sets or is to be judged on."""
    if not data.mix:
        return Mixed()
    ours = {identity(single.name): single.name for single in tables[PARTS[0]].singles}
    files = {key: expanded(key) for key in data.mix}
    _refuse_twice(files, tables)
    set_of: dict[str, int] = {}
    further: list[str] = []
    for number, key in enumerate(data.mix):
        for name in files[key]:
            known = ours.pop(identity(without_secrets(name)), None)
            if known is None:
                further.append(name)
            set_of[known or without_secrets(name)] = number
    names, weights = [*map(without_secrets, data.mix)], [*data.mix.values()]
    if ours:  # what data.train names and data.mix does not: one set with the rest
        rest = 1 - sum(weights)
        if rest <= 0:
            what = t("the shares are {total:g} together, and nothing is left for {file}",
                     total=sum(weights), file=shown(next(iter(ours.values()))))  # fmt: skip
            fix = t("make them less than 1 together, or give that file a share too")
            raise ConfigError.at("data.mix", what, fix, code="conflict")
        set_of |= dict.fromkeys(ours.values(), len(names))
        names, weights = [*names, next(iter(ours.values()))], [*weights, rest]
    extra = open_data(further, read_options(data), any_columns=True) if further else None
    if extra is not None:  # an address or a database may be called otherwise in messages
        set_of |= {
            single.name: set_of[without_secrets(name)] for name, single in zip(further, extra.singles, strict=True)
        }
    return Mixed(Mixture(names, [weight / sum(weights) for weight in weights], set_of), extra)


def _refuse_twice(files: Mapping[str, Sequence[str]], tables: Mapping[str, Table]) -> None:
    seen: dict[str, str] = {}
    for part in PARTS[1:]:
        seen |= {identity(single.name): f"data.{part}" for single in tables[part].singles} if part in tables else {}
    for key, names in files.items():
        for name in names:
            other = seen.setdefault(identity(without_secrets(name)), f"data.mix.{key}")
            if other != f"data.mix.{key}":
                what = t("stands under {one} and {other}", one=without_secrets(other), other=f"data.mix.{key}")
                raise DataError.at(without_secrets(name), what, t("name each file once"), code="same-file")


def with_extra(split: Split[Any, Any], extra: Sequence[Example[Any, Any]], layout: AnyFormat) -> Split[Any, Any]:
    """The split with further training rows, but for those whose input is judged on."""
    if not extra:
        return split
    held_out = {_plain(layout, example) for name in PARTS[1:] for example in split.part(name)}
    kept = [example for example in extra if _plain(layout, example) not in held_out]
    notes = split.notes
    if len(kept) < len(extra):
        note = t("{count} rows of data.mix are left out: their inputs are held out for validation or test",
                 count=len(extra) - len(kept))  # fmt: skip
        notes = (*notes, note)
    return replace(split, train=[*split.train, *kept], notes=notes)


def refuse_empty(mixture: Mixture, examples: Sequence[Example[Any, Any]]) -> None:
    """Errors: DataError for a set of which no row is left to train on."""
    there = set(mixture.sets(examples).tolist())
    for number, name in enumerate(mixture.names):
        if number not in there:
            what = t("none of its rows is left to train on")
            raise DataError.at(name, what, t("drop it from data.mix, or give it more rows"), code="no-rows")


def _plain(layout: AnyFormat, example: Example[Any, Any]) -> str:
    """The input as it is compared: letters of one case, blanks of one kind."""
    return re.sub(r"\s+", " ", layout.plain_text(example.input)).strip().casefold()
