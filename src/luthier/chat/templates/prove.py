"""Does a template write a conversation whole as it writes it turn by turn? Proven for each before it is used."""

from __future__ import annotations

from luthier.chat.rule import ChatRule, Refused
from luthier.chat.tokens import Chat
from luthier.errors import ModelError
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation
from luthier.language import t
from luthier.text.marks import Marks

SAMPLE = (
    Turn("user", "Where is my parcel? It's №7."),
    Turn("assistant", "On its way.\nIt comes today.", weight=1.0),
    Turn("user", "谢谢! And the bill?"),
    Turn("assistant", "It was 12.50 €.", weight=1.0),
)
"""Two rounds, in which nothing is thought and no tool is called."""


def turn_by_turn(chat: Chat, conversation: Conversation, answer: Turn) -> tuple[list[int], list[int]]:
    """Token ids of a conversation with its answer: rendered and encoded whole, and one turn after another as a served
    model meets them, each prompt with what was said behind it. Equal for a sound template. Turns that the template
    changes once they are past (it leaves out what was thought) are not learnt from there, and count as it writes them.
    Errors: Refused."""
    renderer = chat.renderer(conversation)
    whole = chat.marks.ids([("", renderer.prompt + renderer.answer(answer))])[0]
    prompt, said = chat.answered(conversation, answer)
    settled = {spoken.turn for spoken in renderer.script.spoken if renderer.settled(spoken)}
    turned: list[int] = []
    for span in prompt.spans:
        if span.turn not in settled:
            continue
        before = Conversation(conversation.turns[: span.turn], conversation.tools)
        asked, spoken = chat.answered(before, conversation.turns[span.turn])
        turned += [*asked.ids, *spoken][len(turned) :]
    return whole, [*turned, *prompt.ids[len(turned) :], *said]


def check_template(rule: ChatRule, marks: Marks) -> None:
    """Errors: ModelError for a template by which a plain conversation is not the same whole and turn by turn."""
    turns = rule.heard(SAMPLE)
    start = next(k for k, turn in enumerate(turns) if turn.role == "user")
    if start:  # the system's turn, which some templates refuse, is the user's own wish
        turns = turns[start:]
    fix = t("use {ours}, or a template of your own: task.template=FILE.jinja", ours="task.template=chatml")
    try:
        whole, turned = turn_by_turn(Chat(rule, marks), Conversation(turns[:-1]), turns[-1])
    except Refused as refused:
        where = t("turn {number}: ", number=refused.turn) if refused.turn else ""
        what = t("the chat template does not write a plain conversation: {reason}", reason=f"{where}{refused}")
        raise ModelError.at(rule.name, what, fix, code="template") from None
    if whole != turned:
        what = t("the chat template makes other tokens of a conversation than of its turns one after another")
        raise ModelError.at(rule.name, what, fix, code="template")
