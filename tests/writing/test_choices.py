from typing import Any

import numpy as np
import pytest
import torch

from luthier.writing.choices import score_choices
from luthier.writing.handed import decoder_start
from writing.models import CONFIGS, WIDTH, language_model

pytestmark = pytest.mark.slow

CHOICES = [[5, 6, 7, 2], [5, 6, 2], [9], [11, 12, 13, 14, 15]]


def prompts(count: int) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [draw.integers(3, WIDTH, size=1 + 3 * i % 11) for i in range(count)]


def by_hand(model: Any, prompt: np.ndarray, choice: list[int]) -> float:
    if model.config.is_encoder_decoder:
        given = [*decoder_start(model), *choice]
        inputs = {"input_ids": torch.tensor(prompt)[None], "decoder_input_ids": torch.tensor([given])}
    else:
        given = [*prompt.tolist(), *choice]
        inputs = {"input_ids": torch.tensor([given])}
    with torch.no_grad():
        log_p = model(**inputs).logits[0].log_softmax(-1)
    begin = len(given) - len(choice) - 1
    return sum(float(log_p[begin + k, token]) for k, token in enumerate(choice))


@pytest.mark.parametrize(
    ("name", "max_tokens"),
    [*((name, 10_000) for name in CONFIGS if name != "bert"), ("llama", 60), ("llama", 1), ("t5", 60), ("t5", 1)],
)
def test_each_choice_has_the_likelihood_of_its_tokens_after_the_prompt(name: str, max_tokens: int) -> None:
    model = language_model(name).train()
    asked = [*prompts(4), np.arange(3, 43)]  # longer than Mistral's window
    choices = [CHOICES, CHOICES[:2], CHOICES[2:], CHOICES, CHOICES]
    found = score_choices(model, asked, choices, pad_id=0, max_tokens=max_tokens)
    assert model.training
    for prompt, given, scores in zip(asked, choices, found, strict=True):
        assert scores == pytest.approx([by_hand(model.eval(), prompt, choice) for choice in given], abs=2e-4)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_a_prompt_is_read_once_for_all_its_choices(name: str) -> None:
    model = language_model(name)
    score_choices(model, prompts(1), [CHOICES], pad_id=0)
    sizes: list[int] = []
    first = lambda out: out if isinstance(out, torch.Tensor) else out[0]  # noqa: E731
    part = model.encoder if name == "t5" else model.model.layers[0]
    part.register_forward_hook(lambda _, __, out: sizes.append(first(out).shape[:-1].numel()))
    score_choices(model, [np.full(40, 5)], [[[9 + i, 2] for i in range(10)]], pad_id=0)
    assert sum(sizes) == (40 if name == "t5" else 39 + 10 * 2)
