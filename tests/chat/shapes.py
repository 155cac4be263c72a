"""Chat templates of the shapes that are met in the wild, each written anew, with a tokenizer that has its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from luthier.chat.templates.choose import Template, make_rule
from luthier.chat.tokens import Chat
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation
from luthier.text.marks import Marks
from tiny_causal import END_OF_TEXT, byte_tokenizer


@dataclass(frozen=True)
class Shape:
    """end: the token that must end a turn. special, soft: added tokens. names: of them by use. system: whether it has
    room for a system's turn. forgets: whether earlier thinking is left out."""

    source: str
    end: str
    special: tuple[str, ...]
    soft: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    system: bool = True
    forgets: bool = False


_CALLS = "{% for call in m.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}"
_TOOLS = "{% if tools %}{{ tools | tojson }}{% endif %}"

SHAPES = {
    "chatml": Shape(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}" + _CALLS + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "<|im_end|>", ("<|im_start|>", "<|im_end|>"),
    ),
    "llama-3": Shape(
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
        "{{ m.content | trim }}" + _CALLS + "<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        "<|eot_id|>", ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        names=(("bos_token", "<|begin_of_text|>"),),
    ),
    "mistral": Shape(
        "{{ bos_token }}{% set ns = namespace(system='') %}{% for m in messages %}"
        "{% if m.role == 'system' %}{% set ns.system = m.content + '\n\n' %}"
        "{% elif m.role == 'user' %}[INST] {{ ns.system }}{{ m.content }} [/INST]{% set ns.system = '' %}"
        "{% else %} {{ m.content }}" + _CALLS + "{{ eos_token }}{% endif %}{% endfor %}",
        "</s>", ("<s>", "</s>", "[INST]", "[/INST]"), names=(("bos_token", "<s>"), ("eos_token", "</s>")),
    ),
    "gemma": Shape(
        "{{ bos_token }}{% for m in messages %}"
        "{% if m.role == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
        "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
        "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        "<end_of_turn>", ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        names=(("bos_token", "<bos>"), ("eos_token", "<eos>")), system=False,
    ),
    "qwen-3": Shape(
        "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}"
        "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
        "{% for m in messages %}{% set thought = m.reasoning_content or '' %}{% set said = m.content %}"
        "{% if '</think>' in said %}{% set thought = said.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
        "{% set said = said.split('</think>')[-1].lstrip('\n') %}{% endif %}"
        "<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.index0 > ns.last %}"
        "{% if loop.last or thought %}<think>\n{{ thought }}\n</think>\n\n{% endif %}{% endif %}"
        "{{ said }}" + _CALLS + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
        "<|im_end|>", ("<|im_start|>", "<|im_end|>"), ("<think>", "</think>", "<tool_call>", "</tool_call>"),
        forgets=True,
    ),
    "phi": Shape(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}" + _CALLS + "<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}",
        "<|end|>", ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
    ),
    "zephyr": Shape(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content + eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        "</s>", ("<s>", "</s>"), names=(("eos_token", "</s>"),),
    ),
    "deepseek": Shape(
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% endif %}"
        "{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% endif %}"
        "{% if m.role == 'assistant' %}<｜Assistant｜>{{ m.content.split('</think>')[-1] }}" + _CALLS +
        "<｜end▁of▁sentence｜>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
        "<｜end▁of▁sentence｜>", ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        ("<think>", "</think>"),
        (("bos_token", "<｜begin▁of▁sentence｜>"), ("eos_token", "<｜end▁of▁sentence｜>")), forgets=True,
    ),
}  # fmt: skip


@cache
def chat_of(name: str, thinking: bool | None = None, system: str = "") -> Chat:
    shape = SHAPES[name]
    tokenizer = byte_tokenizer(shape.special, shape.soft)
    names = {"eos_token": END_OF_TEXT, **dict(shape.names)}
    rule = make_rule(Template(shape.source, name, ""), tokenizer, names, day="2026-11-26", thinking=thinking,
                     system=system)  # fmt: skip
    return Chat(rule, Marks.of(tokenizer, shape.source))


def talk(*said: str, system: str = "") -> Conversation:
    """User and assistant by turns, the user first."""
    turns = [Turn("system", system)] if system else []
    turns += [
        Turn("assistant", text, weight=1.0) if number % 2 else Turn("user", text) for number, text in enumerate(said)
    ]
    return Conversation(tuple(turns))


def answer(text: str, **more: object) -> Turn:
    return Turn("assistant", text, weight=1.0, **more)


def spelt(chat: Chat, ids: Sequence[int]) -> str:
    return chat.marks.tokenizer.decode(list(ids), skip_special_tokens=False)
