from typing import Any

import numpy as np
import pytest
import torch
from tests.writing.models import CONFIGS, WIDTH, language_model

from luthier.writing.generate import Generation, decoder_start, write

WRITERS = [name for name in CONFIGS if name != "bert"]
STOP, PAD = 2, 0


def prompts(count: int, seed: int = 0) -> list[np.ndarray]:
    """Of lengths from 1."""
    draw = np.random.default_rng(seed)
    return [draw.integers(3, WIDTH, size=1 + 3 * i % 11) for i in range(count)]


def said(model: Any, asked: Any, how: Generation, **more: Any) -> list[tuple[list[int], bool]]:
    return write(model, asked, how, **{"stop_ids": [STOP], "pad_id": PAD, **more})


def by_hand(model: Any, prompt: np.ndarray, count: int) -> tuple[list[int], bool]:
    """The likeliest tokens one after another, each from the whole text, without anything kept."""
    found: list[int] = []
    start = decoder_start(model)
    for _ in range(count):
        if model.config.is_encoder_decoder:
            inputs = {"input_ids": torch.tensor(prompt)[None], "decoder_input_ids": torch.tensor([[*start, *found]])}
        else:
            inputs = {"input_ids": torch.tensor([[*prompt, *found]])}
        with torch.no_grad():
            token = int(model(**inputs).logits[0, -1].argmax())
        if token == STOP:
            return found, True
        found.append(token)
    return found, False


@pytest.mark.parametrize("name", WRITERS)
def test_a_batch_says_what_each_row_says_by_hand(name: str) -> None:
    model = language_model(name)
    asked = prompts(4)
    answers = said(model, asked, Generation(max_new_tokens=8))
    assert answers == [by_hand(model, prompt, 8) for prompt in asked]
