"""python -m bench.doctor --near TRAIN TEST | --label-errors DATA [--deep] [--seeds N] [key=value …]

--near: rows of TRAIN with one change each are planted into TEST; what share of them is found, and how many of TEST's
own rows are named that are no near-duplicates? --label-errors: a twentieth of the labels is exchanged at random; what
share of them stands in the first tenth by suspicion, and how many of those that check reports are right? Same files,
same numbers.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from luthier.config.settings import load_settings
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.suspects import suspicion
from luthier.formats.known import guess_format
from luthier.preparing.rows import read_options, rows_past
from luthier.reading.open import open_data
from luthier.text.shingling.near import near_duplicates
from luthier.text.shingling.pieces import Pieces, pieces_of
from luthier.types import Example

PLANTS = 1000
_UNSPACED = re.compile(r"[\u3400-\u9fff]").match


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--near", nargs=2, type=Path, metavar=("TRAIN", "TEST"))
    words.add_argument("--label-errors", type=Path, metavar="DATA")
    words.add_argument("--deep", action="store_true", help="with the embedded model's vectors as well")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("settings", nargs="*", metavar="key=value", help="such as data.columns.label=team")
    asked = words.parse_intermixed_args()
    if asked.near:
        near(*(read(path, asked.settings) for path in asked.near), seeds=asked.seeds, deep=asked.deep)
    if asked.label_errors:
        label_errors(read(asked.label_errors, asked.settings), asked.seeds, asked.deep)


def read(path: Path, settings: Sequence[str]) -> list[Example[str, str]]:
    data = load_settings(None, [f"data.train={path}", *settings]).data
    table = open_data([str(path)], read_options(data))
    reader = Doctor(Context(guess_format(table.columns, table.first, data.columns)), checks=())
    return list(rows_past(reader, table, data, "train").rows)


# ---- near-duplicates


def _words(text: str) -> tuple[list[str], str]:
    """The units that are changed, and what stands between them: words; of an unspaced text two characters or a word in
    another script, with the punctuation behind."""
    if sum(_UNSPACED(character) is not None for character in text) * 2 > len(text):
        return re.findall(r"(?:[\u3400-\u9fff]{1,2}|[^\W\u3400-\u9fff]+)\W*", text) or [text], ""
    return text.split(), " "


def changes(vocabulary: Sequence[str]) -> dict[str, Callable[[list[str], random.Random], list[str]]]:
    """vocabulary: of the training texts. Each takes a text's words and returns others."""

    def put(words: list[str], at: int, *new: str, instead: int = 0) -> list[str]:
        return [*words[:at], *new, *words[at + instead :]]

    def typo(words: list[str], draw: random.Random) -> list[str]:
        at = draw.randrange(len(words))
        letter = draw.randrange(len(words[at]))
        other = draw.choice("abcdefghijklmnopqrstuvwxyz" if words[at].isascii() else "的一是不了在人有我他")
        return put(words, at, words[at][:letter] + other + words[at][letter + 1 :], instead=1)

    def replaced(words: list[str], draw: random.Random) -> list[str]:
        return put(words, draw.randrange(len(words)), draw.choice(vocabulary), instead=1)

    def put_in(words: list[str], draw: random.Random) -> list[str]:
        return put(words, draw.randrange(len(words) + 1), draw.choice(vocabulary))

    def left_out(words: list[str], draw: random.Random) -> list[str]:
        return put(words, draw.randrange(len(words)), instead=1)

    def dressed(words: list[str], draw: random.Random) -> list[str]:
        return [
            *(word.upper() if draw.random() < 0.5 else word for word in words[:-1]),
            words[-1].rstrip(".?!") + " !!",
        ]

    return {
        "one word replaced": replaced, "one word put in": put_in, "one word left out": left_out,
        "a typing mistake": typo, "case and punctuation": dressed,
    }  # fmt: skip


def planted(
    train: Sequence[str], change: Callable[[list[str], random.Random], list[str]], draw: random.Random
) -> Iterator[tuple[int, str]]:
    """Numbers of training texts and what became of them."""
    for row in draw.sample(range(len(train)), min(PLANTS, len(train))):
        words, between = _words(train[row])
        new = between.join(change(words, draw))
        if pieces_of(new) != pieces_of(train[row]) or change.__name__ == "dressed":
            yield row, new


def near(train: Sequence[Example[str, str]], test: Sequence[Example[str, str]], *, seeds: int, deep: bool) -> None:
    texts, own = [e.input for e in train], [e.input for e in test]
    vocabulary = sorted({word for text in texts for word in _words(text)[0]})
    embed = embedder() if deep else None
    for name, change in changes(vocabulary).items():
        for seed in range(seeds):
            plants = list(planted(texts, change, random.Random(seed)))
            began = time.perf_counter()
            pairs = near_duplicates([*texts, *own, *(text for _, text in plants)], embed=embed)
            seconds = time.perf_counter() - began
            found = _reached(pairs, len(texts), len(texts) + len(own))
            hits = sum(found.get(len(texts) + len(own) + i, set()) >= {row} for i, (row, _) in enumerate(plants))
            share = hits / len(plants)
            print(f"{name}, seed {seed}: {hits} of {len(plants)} planted rows found ({share:.1%}), {seconds:.1f} s")
    _false(train, test, near_duplicates([*texts, *own], embed=embed))


def _reached(pairs: np.ndarray, train: int, planted_from: int) -> dict[int, set[int]]:
    """Of each planted row the training rows that it is paired with; equal rows stand for each other."""
    same: dict[int, set[int]] = {}
    for i, j in pairs.tolist():
        same.setdefault(i, {i}).add(j)
    reached: dict[int, set[int]] = {}
    for i, j in pairs.tolist():
        if j >= planted_from:
            reached.setdefault(j, set()).update({i} | {k for k in same.get(i, ()) if k < train})
    return reached


def _false(train: Sequence[Example[str, str]], test: Sequence[Example[str, str]], pairs: np.ndarray) -> None:
    """Of TEST's own rows those that are named, and those of them that are false: no row of TRAIN differs from them in
    one word by comparing all with all, or, judged by who labelled them, none of those that do has their label."""
    across = [(i, j - len(train)) for i, j in pairs.tolist() if i < len(train) <= j]
    named = {j for _, j in across}
    wrong = {j for i, j in across if not differ_little(train[i].input, test[j].input)}
    true = {j for i, j in across if differ_little(train[i].input, test[j].input)}
    labelled = {j for i, j in across if train[i].answer == test[j].answer}
    rows = len(test)
    print(f"TEST's own rows: {len(named)} of {rows} named ({len(named) / rows:.1%})")
    print(f"  no near-duplicate on counting the words: {len(wrong - true)} ({len(wrong - true) / rows:.2%})")
    print(f"  with none but rows of other labels: {len(named - labelled)} ({len(named - labelled) / rows:.2%}); "
          "check does not report these")  # fmt: skip


def differ_little(one: str, other: str) -> bool:
    """By the words' edit distance (Levenshtein 1966): one (three characters), or a tenth of a long text; or one word
    stands elsewhere."""
    a, b = pieces_of(one), pieces_of(other)
    unspaced = sum(len(piece) == 1 and piece > "\u0e00" for piece in a) * 2 > len(a)
    allowed = max(1 + 2 * unspaced, max(len(a), len(b)) // 10)
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    moved = row[-1] == 2 and sorted(a) == sorted(b)
    return row[-1] <= allowed or moved or "".join(a) == "".join(b)


# ---- label errors


def label_errors(examples: Sequence[Example[str, str]], seeds: int, deep: bool) -> None:
    texts = [e.input for e in examples]
    names = sorted({e.answer for e in examples})
    label = np.array([names.index(e.answer) for e in examples])
    pieces = Pieces.of(texts)
    vectors = embedder()(texts) if deep else None
    for seed in range(seeds):
        draw = np.random.default_rng(seed)
        flipped = draw.choice(len(label), len(label) // 20, replace=False)
        changed = label.copy()
        changed[flipped] = (label[flipped] + draw.integers(1, len(names), len(flipped))) % len(names)
        began = time.perf_counter()
        found = suspicion(pieces, changed, len(names), vectors)
        seconds = time.perf_counter() - began
        assert found is not None, "the texts have no word in common"
        tenth = np.isin(flipped, found.order[: len(label) // 10]).mean()
        reported = np.flatnonzero(found.reported)
        hits = np.isin(reported, flipped)
        right = (found.suggested == label)[reported[hits]].mean()
        print(f"seed {seed}: {tenth:.1%} of {len(flipped)} exchanged labels in the first tenth; {len(reported)} named, "
              f"{hits.mean():.1%} of them exchanged, {hits.sum() / len(flipped):.1%} of all exchanged; "
              f"the right label suggested for {right:.1%}; {seconds:.1f} s")  # fmt: skip
    clean = suspicion(pieces, label, len(names), vectors)
    if clean is not None:
        print(f"nothing exchanged: {clean.reported.sum()} of {len(label)} named ({clean.reported.mean():.1%})")


def embedder() -> Callable[[Sequence[str]], np.ndarray]:
    from luthier.inference.embed import text_embedder
    from luthier.models.find import EMBEDDED, find_model

    return text_embedder(find_model(EMBEDDED), "cpu")


if __name__ == "__main__":
    main()
