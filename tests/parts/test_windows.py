"""Windows of several tasks travel together and come apart as they were."""

import numpy as np
import pytest

from luthier.codec import Codec
from luthier.parts.windows import bare, owned, shared, shares, with_targets
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, Window
from tiny import TinyModels, bench


def window(*ids: int, placed: bool = False) -> Window:
    spans = np.stack([np.arange(len(ids)), np.arange(1, len(ids) + 1)], 1) if placed else None
    return Window({"input_ids": np.array(ids, np.int32)}, spans=spans)


def test_what_two_parts_read_alike_is_one_window_with_the_places_of_the_one_that_has_them() -> None:
    (first, second) = shared([[window(1, 2, 3)], [window(1, 2, 3, placed=True), window(3, 4, placed=True)]])
    assert (owned([first, second], 0), owned([first, second], 1)) == ([0], [0, 1])
    assert first.spans is not None and first.spans[:, 1].tolist() == [1, 2, 3]
    assert list(bare(first).arrays) == ["input_ids"]


def test_equal_windows_of_one_part_stay_two_and_in_their_order() -> None:
    windows = shared([[window(5)], [window(9), window(5), window(5)]])
    assert owned(windows, 0) == [0] and owned(windows, 1) == [1, 0, 2]
    assert [windows[i].arrays["input_ids"].tolist() for i in owned(windows, 1)] == [[9], [5], [5]]


def test_targets_of_each_part_come_back_with_their_kind_and_length(models: TinyModels) -> None:
    codec = bench("multitask", models.encoder).codec
    rule: TextRule = codec.text
    numbers = [
        with_targets(shared([[window(1, 2, 3)], [window(1, 2, 3)]])[0],
                     {0: np.array([1.5], np.float32), 1: np.array([IGNORE, 2, IGNORE])}, 2),
        with_targets(shared([[], [window(4, 5)]])[0], {1: np.array([0, 1])}, 2),
        with_targets(shared([[window(6)], []])[0], {}, 2),
    ]  # fmt: skip
    batch = Codec(codec.task, rule).collate_labelled(numbers, [7, 8, 9])
    assert batch.num_targets == 2  # windows with anything to learn
    (values,) = shares(batch, 0, by_token=False)
    assert values.batch.targets.tolist() == [[1.5]] and values.batch.numbers == (7,)
    one, two = shares(batch, 1, by_token=True)
    assert (one.each, one.batch.targets.tolist()) == (1, [[IGNORE, 2, IGNORE]])
    assert (two.each, two.batch.targets.tolist(), two.batch.num_targets) == (2, [[0, 1, IGNORE]], 2)
    assert two.batch.inputs.lengths == (2,) and two.rows.tolist() == [1]


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "decoder"])
def test_heads_of_other_makes_answer_from_a_shared_trunk(kind: str, models: TinyModels) -> None:
    ready = bench("multitask", getattr(models, kind))
    loss = ready.codec.task.loss(ready.model, ready.batches(99)[0])
    loss.backward()
    heads = {name for name, p in ready.model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {"head_intent", "head_slots", "trunk"} <= {name.partition(".")[0] for name in heads}
