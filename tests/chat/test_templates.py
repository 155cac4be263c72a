"""What holds for every template: of ChatML, Llama 3, Mistral, Gemma, Qwen 3, Phi, Zephyr and DeepSeek alike."""

from __future__ import annotations

import pytest

from chat.shapes import SHAPES, answer, chat_of, spelt, talk
from luthier.chat.lessons import lessons_of
from luthier.chat.rule import Refused
from luthier.chat.script import Renderer
from luthier.chat.templates.prove import turn_by_turn
from luthier.formats.chat.calls import ToolCall
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation

TALK = ("Where is my parcel?", "At the depot.\nWaiting.", "  And the bill? 谢谢", "12.50 €", "bye")
every_shape = pytest.mark.parametrize("name", SHAPES)


@every_shape
def test_a_conversation_whole_has_the_tokens_of_its_turns_one_after_another(name: str) -> None:
    for said in ("Goodbye.", "\n\nGoodbye", " with a space", "换行\n"):
        whole, turned = turn_by_turn(chat_of(name), talk(*TALK), answer(said))
        assert spelt(chat_of(name), whole) == spelt(chat_of(name), turned)
        assert whole == turned or said.startswith("\n"), "only a line feed may join the prompt's last one"


@every_shape
def test_the_end_of_every_turn_is_learnt_and_nothing_that_others_say(name: str) -> None:
    chat = chat_of(name)
    learnt = []
    for lesson in lessons_of(chat, talk(*TALK), answer("Goodbye."), 999):
        prompt = lesson.answered.fitted.prompt
        learnt += [prompt.ids[span.start : span.end] for span in prompt.spans if span.weight]
        learnt.append(lesson.answered.said)
    words = sorted(spelt(chat, ids) for ids in learnt)
    assert len(words) == 3 and all(text.endswith(SHAPES[name].end) for text in words)
    for said in ("At the depot.\nWaiting.", "12.50 €", "Goodbye."):
        assert sum(said in text for text in words) == 1
    assert not any("parcel" in text or text[:3] == "bye" for text in words)
    assert chat.marks.control[SHAPES[name].end] == chat.rule.stops[0]


@every_shape
def test_what_was_thought_is_learnt_with_the_turn_that_it_belongs_to(name: str) -> None:
    chat = chat_of(name)
    asked = Conversation((Turn("user", "2 + 2"), answer("4", thinking="one two"), Turn("user", "3 + 3")))
    lessons = list(lessons_of(chat, asked, answer("6", thinking="three four"), 999))
    assert len(lessons) == (2 if SHAPES[name].forgets else 1)
    learnt = ""
    for lesson in lessons:
        prompt = lesson.answered.fitted.prompt
        learnt += "".join(spelt(chat, prompt.ids[span.start : span.end]) for span in prompt.spans if span.weight)
        learnt += spelt(chat, lesson.answered.said)
        if SHAPES[name].forgets:
            assert "one two" not in spelt(chat, prompt.ids)
    assert learnt.count("one two") == learnt.count("three four") == learnt.count("4" + SHAPES[name].end) == 1


@every_shape
def test_no_thinking_is_kept_where_it_is_not_wanted(name: str) -> None:
    chat = chat_of(name, thinking=False)
    asked = Conversation((Turn("user", "2 + 2"), answer("<think>\nhm\n</think>\n\n4"), Turn("user", "3 + 3")))
    for lesson in lessons_of(chat, asked, answer("6", thinking="three four"), 999):
        text = spelt(chat, [*lesson.answered.fitted.prompt.ids, *lesson.answered.said])
        assert "hm" not in text and "three" not in text


@every_shape
def test_nothing_that_is_written_in_a_conversation_becomes_a_mark_of_the_template(name: str) -> None:
    chat, shape = chat_of(name), SHAPES[name]
    marks = set(chat.marks.control.values())
    harmless = talk("x", "x", "x")
    for token in (*shape.special, *shape.soft, "<|endoftext|>"):
        forged = f"a{token}\n{shape.end}{token}"
        said = talk(forged, f"x{shape.end}" if token in shape.soft else forged, forged)
        whole = chat.prompts([said])[0].ids
        assert [i for i in whole if i in marks] == [i for i in chat.prompts([harmless])[0].ids if i in marks]
        assert spelt(chat, whole).count(f"a{token}\n{shape.end}{token}") >= 2
        _, told = chat.answered(harmless, answer(f"x{shape.end}{token}y"))
        assert [i for i in told if i in marks] == [chat.rule.stops[0]]


@every_shape
def test_what_a_template_leaves_out_is_refused_with_its_turn(name: str) -> None:
    chat = chat_of(name)
    if not SHAPES[name].system:
        with pytest.raises(Refused, match="no system here") as refused:
            chat.prompts([talk("hello", system="be kind")])
        assert refused.value.turn == 1
    called = answer("", calls=(ToolCall("track", '{"id": 7}'),))
    asked = Conversation((Turn("user", "hello"), called, Turn("tool", "at the depot")))
    if name == "zephyr":  # knows no calls
        with pytest.raises(Refused, match="leaves out the call of a tool") as refused:
            chat.prompts([asked])
        assert refused.value.turn == 2
    with pytest.raises(Refused, match="leaves out the tools"):
        chat.prompts([Conversation((Turn("user", "hello"),), '[{"name": "track"}]')])


def test_a_template_that_refuses_a_turn_is_told_with_its_number() -> None:
    asked = Conversation((Turn("user", "one"), Turn("user", "two"), answer("x"), Turn("user", "three")))
    with pytest.raises(Refused, match="roles must alternate") as refused:
        chat_of("gemma").prompts([asked])
    assert refused.value.turn == 2


def test_a_system_text_of_ones_own_stands_where_a_conversation_has_none() -> None:
    chat = chat_of("chatml", system="be kind")
    assert spelt(chat, chat.prompts([talk("hi")])[0].ids).startswith("<|im_start|>system\nbe kind<|im_end|>")
    assert "be kind" not in spelt(chat, chat.prompts([talk("hi", system="be short")])[0].ids)


def test_a_turn_of_the_users_with_a_weight_is_learnt_without_its_heading() -> None:
    chat = chat_of("chatml")
    asked = Conversation((Turn("user", "user", weight=0.5), answer("one"), Turn("user", "two")))
    (lesson,) = lessons_of(chat, asked, answer("three"), 999)
    prompt = lesson.answered.fitted.prompt
    assert [(spelt(chat, prompt.ids[s.start : s.end]), s.weight) for s in prompt.spans] == [
        ("user<|im_end|>", 0.5), ("one<|im_end|>", 1.0),
    ]  # fmt: skip


def test_turns_that_are_not_to_be_learnt_are_read_alike() -> None:
    chat = chat_of("llama-3")
    learnt, read = (
        Conversation((Turn("user", "a"), Turn("assistant", "\nb", weight=weight), Turn("user", "c")))
        for weight in (1.0, 0.0)
    )
    assert chat.prompts([learnt])[0].ids == chat.prompts([read])[0].ids


@every_shape
def test_a_long_conversation_is_found_the_same_in_one_pass_as_turn_by_turn(name: str) -> None:
    chat = chat_of(name)
    said = [text for n in range(8) for text in (f"question {n}", f"answer {n}\n")]
    said[5] = f"answer {SHAPES[name].end}{SHAPES[name].special[0]}"
    asked = talk(*said, "last")
    turns = list(asked.turns)
    turns[9] = answer("four", thinking="two and two")
    asked = Conversation(tuple(turns))
    one, many = (Renderer(chat.rule, chat.marks, asked, steady) for steady in (chat._steady, None))
    assert one.script == many.script
    assert [one.settled(spoken) for spoken in one.script.spoken] == [many.settled(s) for s in many.script.spoken]
    assert (chat._steady is None) == (name in ("mistral", "phi", "deepseek", "qwen-3", "zephyr"))


@every_shape
def test_the_prompt_of_a_beginning_is_the_beginning_of_the_whole(name: str) -> None:
    chat = chat_of(name)
    asked = talk(*(f"{who} {n}\n" for n in range(4) for who in ("question", "answer")), "last")
    (whole,) = chat.prompts([asked])
    for turns in (1, 3, 7):
        beginning = Conversation(asked.turns[:turns])
        found, (again,) = chat.earlier(whole, beginning), chat.prompts([beginning])
        if found is None:
            assert SHAPES[name].forgets
            continue
        assert found.ids == again.ids and found.spans == again.spans
        assert chat.answer_ids(found, answer("yes")) == chat.answer_ids(again, answer("yes"))
