"""What a model wrote, read back."""

from luthier.chat.read import read_answer, shown_answer

CALL = '<tool_call>\n{"name": "track", "arguments": {"id": 7}}\n</tool_call>'


def test_thinking_and_calls_are_told_from_what_is_said() -> None:
    turn = read_answer(f"<think>\nwhich one?\n</think>\n\nI look.\n{CALL}\n{CALL}")
    assert (turn.thinking, turn.content, len(turn.calls)) == ("which one?", "I look.", 2)
    assert shown_answer(f"hm\n</think>\n\n{CALL}") == {
        "generated_text": "", "reasoning_content": "hm",
        "tool_calls": [{"type": "function", "function": {"name": "track", "arguments": {"id": 7}}}],
    }  # fmt: skip


def test_a_plain_answer_is_left_as_it_is() -> None:
    for text in (" two  words ", "write <think> and </think> around it", "<tool_call>{no json</tool_call>"):
        assert shown_answer(text) == {"generated_text": text}
