"""Rows of every usual layout to turns."""

from __future__ import annotations

from dataclasses import replace

from luthier.errors import DataError, Place, shown
from luthier.formats.cells.lists import as_list
from luthier.formats.cells.text import checked_text, is_invisible, kind_of
from luthier.formats.chat.turns import Turn, read_turn, usual_weight
from luthier.language import t
from luthier.types import Row


def message_turns(row: Row) -> tuple[Turn, ...]:
    """A list of messages, or ShareGPT's conversations with their system text beside. Errors: DataError."""
    place = replace(row.place, column="messages")
    value = row.values["messages"]
    written = as_list(value)
    if written is None:
        what = t("the messages are of type {kind}", kind=kind_of(value))
        fix = t('write a list: [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]')
        raise DataError.at(place, what, fix, code="wrong-type")
    if not written:
        fix = t("add what the assistant answers, or remove the row")
        raise DataError.at(place, t("the list of messages is empty"), fix, code="no-assistant-turn")
    turns = [read_turn(value, number, place) for number, value in enumerate(written, 1)]
    _check_system(turns, place)
    turns = [turn for turn in turns if turn.content.strip() or turn.role != "system"]
    system = _system(row)
    if system and turns and turns[0].role == "system":
        what = t("there is a system text and a system turn")
        raise DataError.at(replace(row.place, column="system"), what, t("keep one of the two"), code="system-order")
    if not turns:
        fix = t("add what the assistant answers, or remove the row")
        raise DataError.at(place, t("only the system speaks"), fix, code="no-assistant-turn")
    return (*system, *turns)


def instruction_turns(row: Row) -> tuple[Turn, ...]:
    """Alpaca's instruction, input, output and history, or a prompt with its completion. The input, where there is
    one, stands below the instruction. Errors: DataError."""
    turns = [*_system(row), *_history(row)]
    for role, names in (("user", ("prompt", "input")), ("assistant", ("completion",))):
        written = [(name, row.values[name]) for name in names if row.values.get(name) not in (None, "")]
        listed = as_list(written[0][1]) if written and not isinstance(written[0][1], str) else None
        if listed is not None:
            place = replace(row.place, column=written[0][0])
            turns += (read_turn(value, number, place) for number, value in enumerate(listed, 1))
        elif role == "user" or ("completion" in row.values and row.values["completion"] is not None):
            turns.append(_text_turn(role, names[0], written, row.place))
    _check_system(turns, replace(row.place, column="prompt"))
    return tuple(turns)


def _text_turn(role: str, column: str, written: list[tuple[str, object]], place: Place) -> Turn:
    if not any(not isinstance(value, str) or not is_invisible(value) for _, value in written):
        what = t("the {role}'s text is empty", role=t(role))
        fix = t("fill it in, or remove the row")
        raise DataError.at(replace(place, column=column), what, fix, code="empty-turn")
    texts = [checked_text(value, replace(place, column=name)) for name, value in written]
    return Turn(role, "\n".join(texts), weight=usual_weight(role))


def _system(row: Row) -> list[Turn]:
    value = row.values.get("system")
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    return [Turn("system", checked_text(value, replace(row.place, column="system")))]


def _history(row: Row) -> list[Turn]:
    """Alpaca's earlier rounds: [["question", "answer"], …]."""
    place, value = replace(row.place, column="history"), row.values.get("history") or []
    turns: list[Turn] = []
    rounds = as_list(value)
    for number, pair in enumerate([value] if rounds is None else rounds, 1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            what = t("round {number} of the history is no pair: {value}", number=number, value=shown(pair))
            raise DataError.at(place, what, t('write [["question", "answer"], …]'), code="wrong-type")
        turns += (
            Turn(role, checked_text(text, place), weight=usual_weight(role))
            for role, text in zip(("user", "assistant"), pair, strict=True)
        )
    return turns


def _check_system(turns: list[Turn], place: Place) -> None:
    numbers = [number for number, turn in enumerate(turns, 1) if turn.role == "system"]
    if len(numbers) > 1:
        what = t("turns {one} and {two} are both the system's", one=numbers[0], two=numbers[1])
        raise DataError.at(place, what, t("join them into one, at the beginning"), code="system-order")
    if numbers and numbers[0] != 1:
        what = t("the system's turn is number {number}, not the first", number=numbers[0])
        raise DataError.at(place, what, t("move it to the beginning"), code="system-order")
