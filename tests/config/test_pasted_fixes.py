"""A remedy for a setting works when it is done to the words of the command: a key or a value put in its place, words
added, a word dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from bad_data.pasting import runnable
from config.test_every_case import CASES
from config.test_settings import CONFLICTS
from luthier.config.settings import known_keys, load_settings
from luthier.errors import ConfigError, Problem
from luthier.language import t

ALL = [*([f"{key}={value}"] for key, value, *_ in CASES), *(words for words, _ in CONFLICTS)]
FILLED = {"data.split.group=…": "customer", "data.split.time=…": "when", "data.split.column=…": "part"}
KEYS = {*known_keys(), "tuning.r", "tuning.alpha", "tuning.dropout", "task.label_smoothing"}
NAMED = re.compile(
    "|".join(rf"(?<![\w.]){re.escape(key)}(?![\w=]|\.\w)" for key in sorted(KEYS, key=len, reverse=True))
)
NEAR = re.compile(r"'([\w.]+)'\s?[?？]")


def mended(words: Sequence[str], problem: Problem) -> list[list[str]]:
    """The words as each remedy would have them; none where it is in prose alone."""
    ours = {word.partition("=")[0]: word for word in words}
    at = next(iter(ours)) if len(ours) == 1 else problem.place.file.partition(": ")[2].partition("=")[0]
    _, _, value = ours[at].partition("=")
    others = [word for key, word in ours.items() if key != at]
    pastes = runnable(problem.fix, problem.code)
    if pastes:
        filled = [paste.replace("…", FILLED[paste]) if "…" in paste else paste for paste in pastes]
        kept = others if problem.code == "not-a-section" else words
        return [[*kept, paste] for paste in filled]
    near, named = NEAR.findall(problem.fix), NAMED.findall(problem.fix)
    if problem.code == "unknown-key":
        right = near or named
        rest = [at.split(".")[len(name.split(".")) :] if "." in at and "." not in name else [] for name in right]
        return [[*others, f"{'.'.join([name, *more])}={value}"] for name, more in zip(right, rest, strict=True)]
    if problem.code == "conflict":
        both = [key for key in ours if re.search(rf"{re.escape(key)}(?![\w])", problem.what)]
        drop = (
            both if problem.fix in (t("drop one of the two"), t("drop it")) else [key for key in named if key in ours]
        )
        return [[word for key, word in ours.items() if key != dropped] for dropped in drop]
    choices = re.search(r"(?:it wants |要求：)(\w+(?:(?:, | or |、| 或 )\w+)+)$", problem.fix)
    listed = re.split(r", | or |、| 或 ", choices[1]) if choices else []
    return [[*others, f"{at}={name}"] for name in dict.fromkeys([*near, *listed])]


def problems(words: Sequence[str]) -> list[Problem]:
    try:
        load_settings(None, words)
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_a_remedy_says_mends_the_setting(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_LANG", language)
    done, prose = 0, []
    for words in ALL:
        for problem in problems(words):
            ways = mended(words, problem)
            for way in ways:
                still = [p for p in problems(way) if p.what == problem.what]
                assert not still, (words, problem.fix, way)
                assert not [p for p in problems(way) if p.code in ("bad-override", "unknown-choice")], way
            done += len(ways)
            prose += [] if ways else [problem.fix]
    assert done >= 65
    for fix in prose:
        assert not NEAR.search(fix) and not NAMED.search(fix) and "=" not in fix, fix


@pytest.mark.parametrize(
    ("word", "right"),
    [("train.lr=1e-4", "train.learning_rate"), ("num_train_epochs=3", "train.epochs"), ("lora_r=8", "tuning.r"),
     ("data.text_column=body", "data.columns.text"), ("train.optimizer=adam", "train.optimiser"),
     ("output_dir=runs/x", "out")],
)  # fmt: skip
def test_what_other_tools_call_it_is_known(word: str, right: str) -> None:
    (problem,) = problems([word])
    assert problem.fix.endswith(f" {right}")
    assert not problems([f"{right}={word.partition('=')[2]}", *(["tuning.method=lora"] if "tuning" in right else [])])


def test_a_setting_wins_over_a_flag_and_the_later_over_the_earlier() -> None:
    words = ["data.columns.text=b", "data.columns.text=c"]
    assert load_settings(None, words, {"data.columns.text": "a"}).data.columns == {"text": "c"}
    assert load_settings(None, (), {"data.columns.text": "a"}).data.columns == {"text": "a"}


def test_a_wrong_number_is_told_once() -> None:
    assert len(problems(["train.epochs=many"])) == 1
