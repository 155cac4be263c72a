"""Which template is taken, and that one from a stranger can do no harm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chat.shapes import SHAPES, answer, chat_of, spelt, talk
from luthier.chat.rule import ChatRule
from luthier.chat.templates.chatml import CHATML
from luthier.chat.templates.choose import choose_template, make_rule
from luthier.chat.tokens import Chat
from luthier.errors import ConfigError, ModelError
from luthier.formats.chat.calls import ToolCall
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation
from luthier.text.marks import Marks
from tiny_causal import CHAT_TOKENS, END_OF_TEXT, byte_tokenizer

pytestmark = pytest.mark.slow

NAMES = {"eos_token": END_OF_TEXT}


def rule_of(source: str) -> ChatRule:
    template = choose_template(None, source, begins=False)
    tokenizer = byte_tokenizer(CHAT_TOKENS)
    return make_rule(template, tokenizer, NAMES, day="2026-11-26", thinking=None, system="")


def test_a_model_s_own_template_is_taken_and_chatml_where_it_has_none() -> None:
    own = choose_template(None, SHAPES["phi"].source, begins=False)
    assert own.source == SHAPES["phi"].source and own.tokens == ()
    assert choose_template(None, {"tool_use": "x", "default": "y"}, begins=False).source == "y"
    ours = choose_template(None, None, begins=False)
    assert ours.source == CHATML and ours.tokens == CHAT_TOKENS and "base model" in ours.reason
    assert choose_template("chatml", SHAPES["phi"].source, begins=True).source == "{{- bos_token }}\n" + CHATML


def test_a_file_of_ones_own_is_taken_before_the_models(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(SHAPES["chatml"].source, encoding="utf-8")
    assert choose_template(str(path), "other", begins=False).source == SHAPES["chatml"].source
    with pytest.raises(ConfigError, match="there is no file"):
        choose_template(str(tmp_path / "yours.jinja"), None, begins=False)


def test_chatml_keeps_tools_calls_and_thinking() -> None:
    chat = Chat(rule_of(CHATML), Marks.of(byte_tokenizer(CHAT_TOKENS), CHATML))
    tools = '[{"type": "function", "function": {"name": "track", "parameters": {"id": "<|im_end|>"}}}]'
    called = answer("I look.", thinking="which one?", calls=(ToolCall("track", '{"id": 7}'), ToolCall("ask", "{}")))
    asked = Conversation((Turn("system", "be kind"), Turn("user", "where?"), called, Turn("tool", "depot")), tools)
    prompt, said = chat.answered(asked, answer("At the depot."))
    text = spelt(chat, [*prompt.ids, *said])
    assert text.startswith("<|im_start|>system\nbe kind\n\n# Tools")
    assert '"name": "track", "parameters": {"id": "<|im_end|>"}' in text
    (learnt,) = (spelt(chat, prompt.ids[span.start : span.end]) for span in prompt.spans)
    assert learnt == (
        "<think>\nwhich one?\n</think>\n\nI look."
        '\n<tool_call>\n{"name": "track", "arguments": {"id": 7}}\n</tool_call>'
        '\n<tool_call>\n{"name": "ask", "arguments": {}}\n</tool_call><|im_end|>'
    )
    assert text.endswith("<|im_start|>tool\ndepot<|im_end|>\n<|im_start|>assistant\nAt the depot.<|im_end|>")


def test_the_day_is_the_one_that_was_told_not_todays() -> None:
    source = "{{ strftime_now('%d %b %Y') }}\n" + SHAPES["chatml"].source
    rule = rule_of(source)
    assert rule.day == "2026-11-26" and rule_of(SHAPES["chatml"].source).day == ""
    chat = Chat(rule, Marks.of(byte_tokenizer(CHAT_TOKENS), source))
    assert spelt(chat, chat.prompts([talk("hi")])[0].ids).startswith("26 Nov 2026\n")


def test_arguments_are_given_as_text_to_a_template_that_joins_them_to_text() -> None:
    calls = "{% for c in m.tool_calls or [] %}{{ '[' + c.function.name + c.function.arguments + ']' }}{% endfor %}"
    rule = rule_of(SHAPES["chatml"].source.replace("<|im_end|>", calls + "<|im_end|>"))
    assert rule.texts and not chat_of("chatml").rule.texts


def test_the_rule_is_the_same_after_a_trip_through_json() -> None:
    import json

    rule = chat_of("qwen-3").rule
    assert ChatRule.from_state(json.loads(json.dumps(rule.state()))) == rule


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{% for m in messages %}", "TemplateSyntaxError"),
        ("{{ messages.append(1) }}", "SecurityError"),
        pytest.param(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "does not end",
            marks=pytest.mark.slow,
        ),
        ("{{ 'x' * 9999999999 }}", "needs more than 512 MB"),
        ("{% for a in range(9999) %}{{ 'x' * 999 }}{% endfor %}", "characters"),
        ("{{ raise_exception('never') }}", "never"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}<|im_end|>", "leaves out"),
        ("{% for m in messages | reverse %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}", "moves|does not stand"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_used_is_refused_with_the_reason(source: str, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError, match=reason):
        rule_of(source)
    assert time.monotonic() - began < 20


def test_a_template_whose_prompt_ends_in_half_a_token_is_refused() -> None:
    source = "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
    rule_of(source + "{% if add_generation_prompt %}<|im_start|>assistant:{% endif %}")
    with pytest.raises(ModelError, match="other tokens of a conversation than of its turns"):
        rule_of(source + "{% if add_generation_prompt %}<|im_start|>assistant: {% endif %}")


def test_a_template_without_an_end_of_turn_ends_with_the_end_of_sequence() -> None:
    source = (
        "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}### assistant:\n{% endif %}"
    )
    chat = Chat(rule_of(source), Marks.of(byte_tokenizer(CHAT_TOKENS), source))
    _, said = chat.answered(talk("hi"), answer("hello"))
    assert spelt(chat, said) == "hello" + END_OF_TEXT and chat.rule.stops == (said[-1],)
