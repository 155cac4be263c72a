"""Samples stand side by side, each text under its name, in any language and whatever an untuned model writes."""

import pytest

from luthier.errors import Place
from luthier.evaluation.baselines import Baseline
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation, MessageRows
from luthier.report.written.page import samples_shown
from luthier.report.written.story import MOST_SAMPLES, written_story
from luthier.types import Example
from luthier.writer import Written

LONG = "hold the button for three seconds until the small light beside it turns to green"


def example(number: int, answer: str) -> Example:
    turns = (Turn("user", f"question {number}"), Turn("assistant", "which one"), Turn("user", "this one"))
    return Example(Conversation(turns), Turn("assistant", answer, weight=1.0), Place("rows.jsonl", number + 1), number)


EXAMPLES = [example(i, f"right {i}") for i in range(60)]
SAID = [Written(f"said {i}", tokens=i + 1, stopped=i % 3 > 0) if i % 2 else Written(nll=1.0) for i in range(60)]
UNTUNED = Baseline("untuned", [Written(f"before {i}\x00" if i % 2 else None) for i in range(60)])


def story(predictions=SAID, trained=()) -> dict:
    return written_story(MessageRows(), EXAMPLES, predictions, [UNTUNED], trained, None)


def test_samples_are_spread_over_the_rows_that_were_answered_and_count_how_answers_end() -> None:
    samples = story()["samples"]
    assert len(samples["rows"]) == MOST_SAMPLES
    assert samples["rows"][0]["line"] == 2 and samples["rows"][-1]["line"] > 50
    assert samples["answers"] == 30 and samples["stopped"] == pytest.approx(20 / 30)
    assert (samples["median_tokens"], samples["longest_tokens"]) == (31, 60)
    first = samples["rows"][0]
    assert (first["reference"], first["tuned"], first["untuned"]) == ("right 1", "said 1", "before 1\x00")
    assert first["asked"] == "user: question 1\nassistant: which one\nuser: this one"


def test_a_model_that_writes_nothing_has_no_samples() -> None:
    assert story([Written(nll=1.0)] * 60) == {"general": None, "memorised": None, "samples": None}


def test_answers_are_held_against_all_training_answers() -> None:
    said = [Written(LONG) if i == 7 else one for i, one in enumerate(SAID)]
    memorised = story(said, [example(99, f"Please {LONG}, and then let go.")])["memorised"]
    assert memorised["copied"] == memorised["judged"] == 1


def test_every_text_has_its_name_beside_it_and_no_control_character_reaches_the_page() -> None:
    samples = story()["samples"]
    shown = samples_shown(samples)
    assert [sample["heading"] for sample in shown[:2]] == ["Sample 1, line 2", "Sample 2, line 4"]
    assert [name for name, _, _ in shown[0]["texts"]] == ["asked", "reference", "untuned model", "tuned model"]
    assert shown[0]["texts"][2][1] == "before 1\ufffd"
    notes = [[note for _, _, note in sample["texts"]] for sample in shown]
    assert notes[1] == ["", "", "", "cut off after 4 tokens"]
    silent = samples_shown({"rows": [{**samples["rows"][0], "reference": "", "tuned": ""}]})
    assert [text for _, text, _ in silent[0]["texts"]][1:] == ["before 1\ufffd", "(nothing)"]
    assert [any(four) for four in notes] == [not row["stopped"] for row in samples["rows"][: len(shown)]]
