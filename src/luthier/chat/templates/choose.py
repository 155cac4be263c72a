"""Which template a model's conversations are written by, and what there is to know of it: tried and proven on a sample
before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import Tokenizer

from luthier.chat.rule import ChatRule, Refused
from luthier.chat.templates.chatml import CHATML, END, START
from luthier.chat.templates.prove import check_template
from luthier.chat.templates.trial import try_template
from luthier.errors import ConfigError, ModelError
from luthier.formats.chat.calls import ToolCall
from luthier.formats.chat.turns import Turn
from luthier.language import t
from luthier.text.marks import Marks

OURS = "chatml"
_BOS = "{{- bos_token }}\n"
_LARGEST = 2**20
_QUESTION, _ANSWER = Turn("user", "kbqdx"), Turn("assistant", "wvjzq", weight=1.0)
_THOUGHT = "hqzvk"
_CALL = ToolCall("look", '{"city": "Ulm"}', "call12345")


@dataclass(frozen=True)
class Template:
    """source: Jinja. name: of it, for messages and choices. reason: why this one. tokens: that the tokenizer must have
    for it."""

    source: str
    name: str
    reason: str
    tokens: tuple[str, ...] = ()


def choose_template(asked: str | None, own: str | Mapping[str, str] | None, *, begins: bool) -> Template:
    """asked: task.template. own: what the model's tokenizer brings. begins: whether the tokenizer puts its bos_token
    before a text by itself. Errors: ConfigError for a file that cannot be read."""
    ours = Template((_BOS if begins else "") + CHATML, OURS, t("asked for"), (START, END))
    if asked == OURS:
        return ours
    if asked is not None:
        return Template(_read(asked), asked, t("asked for"))
    if isinstance(own, Mapping):
        own = own.get("default") or next(iter(own.values()), None)
    if own:
        return Template(own, t("the model's own"), t("the model brings one"))
    return replace(ours, reason=t("the model has no template of its own: a base model learns ChatML"))


def _read(name: str) -> str:
    path = Path(name).expanduser()
    fix = t("give the path of a Jinja file, or {ours}", ours=f"task.template={OURS}")
    if not path.is_file():
        raise ConfigError.at("task.template", t("there is no file {name}", name=name), fix, code="no-such-file")
    if path.stat().st_size > _LARGEST:
        raise ConfigError.at("task.template", t("{name} is too large", name=name), fix, code="template")
    try:
        return path.read_text(encoding="utf-8")
    except ValueError:
        raise ConfigError.at("task.template", t("{name} is no UTF-8 text", name=name), fix, code="template") from None


def make_rule(
    template: Template, tokenizer: Tokenizer, tokens: Mapping[str, str], *, day: str, thinking: bool | None, system: str
) -> ChatRule:  # fmt: skip
    """tokens: special tokens by name, such as eos_token.

    Errors: ModelError for a template that cannot be used, with the reason.
    """
    day = day if "strftime_now" in template.source else ""
    rule = ChatRule(template.source, template.name, dict(tokens), day=day, thinking=thinking, system=system)
    samples = ([_QUESTION, _ANSWER], [_QUESTION, _ANSWER, _QUESTION])
    try_template(rule.name, rule.source, day, [rule.variables(turns, "", prompt=True) for turns in samples])
    marks = Marks.of(tokenizer, template.source)
    rule = _knowing_more(rule)
    rule = replace(rule, end=_end(rule, marks))
    ends = (rule.end, _end_of_call(rule, marks), tokens.get("eos_token", ""))
    ids = [tokenizer.token_to_id(name) for name in ends if name]
    rule = replace(rule, stops=tuple(dict.fromkeys(id for id in ids if id is not None)))
    check_template(rule, marks)
    return rule


def _end(rule: ChatRule, marks: Marks) -> str:
    """The token with which an answer ends: the first control token behind it. Where there is none the tokenizer's own
    end of sequence, which is then put there."""
    text = _rendered(rule, [_QUESTION, _ANSWER])
    if text is None:
        text = _plain(rule)
    end = marks.first_in(text.rpartition(_ANSWER.content)[2]) or rule.tokens.get("eos_token", "")
    if end not in marks.control:
        what = t("the chat template writes no end of turn, and the tokenizer has no end of sequence")
        raise ModelError.at(rule.name, what, t("use {ours}", ours=f"task.template={OURS}"), code="template")
    return end


def _plain(rule: ChatRule) -> str:
    try:
        return rule.rendered([_QUESTION, _ANSWER], "", prompt=False, change=lambda text, _: text)
    except Refused as refused:
        what = t("the chat template refuses a question with its answer: {reason}", reason=refused)
        fix = t("use {ours}, or a template of your own: task.template=FILE.jinja", ours=f"task.template={OURS}")
        raise ModelError.at(rule.name, what, fix, code="template") from None


def _end_of_call(rule: ChatRule, marks: Marks) -> str:
    """The token with which a turn ends that calls a tool, which some templates end in a way of its own; "" where it
    ends with none."""
    text = (_rendered(rule, _called()) or "").rstrip()
    return marks.ending(text, len(text))


def _knowing_more(rule: ChatRule) -> ChatRule:
    """How it wants what is said, calls and thinking."""
    apart = replace(rule, parts=True)
    if _ANSWER.content not in (_rendered(rule, [_QUESTION, _ANSWER]) or ""):
        rule = apart if _ANSWER.content in (_rendered(apart, [_QUESTION, _ANSWER]) or "") else rule
    written = _rendered(rule, _called())
    if written is None or str(json.loads(_CALL.arguments)) in written:
        as_text = replace(rule, texts=True)
        rule = as_text if _CALL.arguments in (_rendered(as_text, _called()) or "") else rule
    thought = [_QUESTION, replace(_ANSWER, thinking=_THOUGHT)]
    if rule.thinking is False or _THOUGHT in (_rendered(rule, thought) or ""):
        return rule
    inline = replace(rule, inline=True)
    return inline if _THOUGHT in (_rendered(inline, thought) or "") else rule


def _called() -> list[Turn]:
    return [_QUESTION, replace(_ANSWER, content="", calls=(_CALL,))]


def _rendered(rule: ChatRule, turns: Sequence[Turn]) -> str | None:
    try:
        return rule.rendered(turns, "", prompt=False, change=lambda text, _: text)
    except Refused:
        return None
