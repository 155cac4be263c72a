"""The untuned model's tokens under a linear layer: a baseline, and where the head begins."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.answering.probe import fit_pointer
from luthier.balancing.remedy import Remedy
from luthier.formats.questions import Answer
from luthier.inference import frozen
from luthier.inference.frozen import frozen_features
from luthier.probing import begin_head
from luthier.runtime import Runtime
from luthier.seen import Features, Frozen, Seen
from luthier.types import Window
from tiny import TinyModels, bench


def test_what_marks_the_start_and_the_end_is_found() -> None:
    rng = np.random.default_rng(0)
    windows, inputs, answers = [], [], []
    for _ in range(60):
        spans = [(0, 0)] * 3 + [(i, i + 1) for i in range(10)] + [(0, 0)]
        windows.append(Window({"input_ids": np.zeros(14, np.int32)}, np.array(spans, np.int64)))
        first, length = int(rng.integers(0, 8)), int(rng.integers(1, 3))
        given_TK = rng.normal(0, 0.3, (14, 6))
        given_TK[[0, 2], :2] = 5  # what may not be pointed at does not count; the first token is no answer here
        given_TK[0, :2] = 0
        given_TK[3 + first, 0] += 1
        given_TK[2 + first + length, 1] += 1
        inputs.append(given_TK.astype(np.float16))
        answers.append((Answer("x" * length, first),))
    pointer = fit_pointer(Features(windows, np.zeros((60, 1)), None, inputs), answers)
    assert pointer is not None
    said = [pointer(given_TK)[3:13].argmax(0).tolist() for given_TK in inputs]
    right = [[a.start, a.start + len(a.text) - 1] for (a,) in answers]
    assert np.mean([s == r for s, r in zip(said, right, strict=True)]) > 0.8


def test_the_head_begins_with_it(models: TinyModels) -> None:
    ready = bench("question_answering", models.encoder)
    inputs = [example.input for example in ready.examples]
    features = frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=999, keep_states=True)
    seen = Seen(ready.examples, features)
    begin_head(ready.model, ready.codec.task, Frozen(seen, None, seen), Runtime(), "probe", Remedy(), 0)
    pointer = fit_pointer(features, [example.answer for example in ready.examples])
    assert pointer is not None
    assert ready.model.qa_outputs.weight.detach().numpy() == pytest.approx(pointer.weights_2K)


def test_tokens_are_kept_only_where_they_fit_into_memory(models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = bench("question_answering", models.encoder)
    inputs = [example.input for example in ready.examples]

    def kept() -> Features:
        return frozen_features(ready.model, ready.codec, inputs, Runtime(), max_tokens=999, keep_states=True)

    assert [len(T) for T in kept().token_inputs] == [len(window) for window in kept().windows]
    assert not len(kept().states)
    monkeypatch.setattr(frozen, "_MOST_BYTES", 1000)
    assert not len(kept().token_inputs)
    task, seen = ready.codec.task, Seen(ready.examples, kept())
    assert list(task.baselines(Frozen(seen, None, seen), 0)) == ["majority", "tfidf"]
    assert task.first_head(Frozen(seen, None, seen), 0) is None
