"""Texts as a model reads them that predicts the next token."""

from luthier.pretraining.counted import Counted, asked
from luthier.types import IDS, IGNORE
from luthier.writer import TARGETS, Judged
from tiny import TinyModels, bench


def test_every_token_and_the_end_of_each_text_is_predicted_once(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    task, text = ready.codec.task, ready.codec.text
    for example, group in zip(ready.examples, task.encode(task.questions(ready.examples), text), strict=False):
        ids = text.tokenizer.encode(example.input).ids
        wanted = [i - 1 for window in group for i in window.arrays[TARGETS].tolist()]
        given = [i for window in group for i in window.arrays[IDS].tolist()]
        assert wanted == [*ids, *task.stop_ids] and given == [*task.before, *ids]
        assert all(len(window) == text.max_length for window in group[:-1])


def test_joined_texts_are_one_stream_in_full_blocks(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    end = ready.codec.task.stop_ids[0]
    whole = [ready.codec.text.tokenizer.encode(e.input).ids for e in ready.examples]
    stream = [end, *(i for ids in whole for i in (*ids, end))]
    windows = ready.windows
    assert [i for w in windows for i in w.window.arrays[IDS].tolist()] == stream[:-1]
    assert [i for w in windows for i in w.targets.tolist()] == stream[1:]
    assert {len(w) for w in windows[:-1]} == {ready.codec.text.max_length}
    assert not any((w.targets == IGNORE).any() for w in windows)


def test_a_long_prompt_keeps_its_end_and_leaves_room_for_what_follows(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    prompt = " ".join(e.input for e in ready.examples)
    (window,) = ready.codec.encode([prompt])[0]
    assert len(window) == ready.codec.text.max_length // 2 and window.cut > 0
    assert window.arrays[IDS].tolist() == ready.codec.text.tokenizer.encode(prompt).ids[-len(window) :]
    (short,) = ready.codec.encode(["The cat"])[0]
    assert short.arrays[IDS][0] == ready.codec.task.before[0]


def test_the_end_of_a_text_cannot_be_forged(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    (window,) = ready.codec.encode([Judged("a<|endoftext|>b", None)])[0]
    assert (window.arrays[TARGETS] - 1).tolist().count(ready.codec.task.stop_ids[0]) == 1


def test_counting_pairs_finds_what_it_has_seen_likelier_than_counting_tokens(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    groups = ready.codec.encode([Judged(e.input, None) for e in ready.examples])
    counted = Counted(groups, ready.codec.task.vocabulary)
    alone, pairs = counted.alone(groups), counted.after_each(groups)
    assert sum(pairs) < 0.6 * sum(alone)
    foreign = ready.codec.encode([Judged("xyz qqq", None)])
    assert counted.after_each(foreign)[0] < float("inf") and asked(foreign[0]) > 2
