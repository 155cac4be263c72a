"""Conversations that are longer than the model reads."""

from __future__ import annotations

import time

import pytest

from chat.shapes import answer, chat_of, spelt, talk
from luthier.chat.lessons import lessons_of
from luthier.chat.room import fit_answered, fit_prompt
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation

LONG = talk("first question", "first answer", "second question", "second answer", "third question", system="be kind")


def test_the_oldest_turns_are_left_out_first_and_the_system_s_never() -> None:
    chat = chat_of("chatml")
    whole = len(chat.prompts([LONG])[0].ids)
    fitted = fit_prompt(chat, LONG, whole - 1)
    text = spelt(chat, fitted.prompt.ids)
    assert "be kind" in text and "first" not in text and "second question" in text
    assert fitted.dropped == 2 and fitted.cut == whole - len(fitted.prompt.ids) > 0
    assert not fit_prompt(chat, LONG, whole).cut


def test_what_is_left_begins_with_a_turn_of_the_users_and_is_as_if_the_rest_had_never_been() -> None:
    chat = chat_of("mistral")
    whole = len(chat.prompts([LONG])[0].ids)
    fitted = fit_prompt(chat, LONG, whole - 1)
    assert spelt(chat, fitted.prompt.ids).startswith("<s>[INST] be kind\n\nsecond question [/INST] second answer</s>")


def test_a_question_that_alone_is_too_long_loses_its_end() -> None:
    chat = chat_of("chatml")
    asked = talk("beginning " + "and so on " * 100)
    fitted = fit_prompt(chat, asked, 60)
    text = spelt(chat, fitted.prompt.ids)
    assert len(fitted.prompt.ids) <= 60 and fitted.shortened
    assert text.startswith("<|im_start|>user\nbeginning") and text.endswith("<|im_end|>\n<|im_start|>assistant\n")


def test_each_answer_of_a_long_conversation_is_learnt_once() -> None:
    chat = chat_of("chatml")
    said = [f"{who} number {n}" for n in range(8) for who in ("question", "answer")]
    talked = talk(*said[:-1])
    most = len(chat.prompts([talked])[0].ids) // 2
    lessons = list(lessons_of(chat, talked, answer(said[-1]), most))
    learnt = ""
    for lesson in lessons:
        prompt, own = lesson.answered.fitted.prompt, lesson.answered.said
        assert len(prompt.ids) + len(own) <= most
        learnt += "".join(spelt(chat, prompt.ids[s.start : s.end]) for s in prompt.spans if s.weight) + spelt(chat, own)
    assert 2 <= len(lessons) <= 4
    assert [learnt.count(f"answer number {n}<") for n in range(8)] == [1] * 8


def test_an_answer_without_room_is_cut_and_one_whose_question_fills_it_is_not_learnt() -> None:
    chat = chat_of("chatml")
    asked = talk("hello")
    prompt = len(chat.prompts([asked])[0].ids)
    cut = fit_answered(chat, asked, answer("a long answer that does not fit"), prompt + 4)
    assert len(cut.said) == 4 and cut.lost > 0 and chat.rule.stops[0] not in cut.said
    none = fit_answered(chat, talk("x" * 100), answer("yes"), 60)
    assert none.said == [] and none.lost > 0


def test_older_turns_make_room_for_the_answer() -> None:
    chat = chat_of("chatml")
    prompt = len(chat.prompts([LONG])[0].ids)
    made = fit_answered(chat, LONG, answer("third answer"), prompt + 3)
    assert not made.lost and "first" not in spelt(chat, made.fitted.prompt.ids)


@pytest.mark.parametrize("turns", [("word " * 50_000,), ("short", "answer") * 100 + ("end",)])
def test_a_huge_conversation_takes_seconds_not_minutes(turns: tuple[str, ...]) -> None:
    chat = chat_of("chatml")
    began = time.process_time()
    made = fit_answered(chat, talk(*turns), answer("yes"), 200)
    assert len(made.fitted.prompt.ids) + len(made.said) <= 200 or not made.said
    assert time.process_time() - began < 20


def test_a_conversation_that_the_assistant_begins_is_learnt_too() -> None:
    chat = chat_of("chatml")
    asked = Conversation((answer("hello, how can I help?"), Turn("user", "my parcel")))
    (lesson,) = lessons_of(chat, asked, answer("late"), 999)
    spans = lesson.answered.fitted.prompt.spans
    assert [spelt(chat, lesson.answered.fitted.prompt.ids[s.start : s.end]) for s in spans] == [
        "hello, how can I help?<|im_end|>"
    ]
