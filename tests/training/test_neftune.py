"""Noise on input embeddings is as long as it should be, on real tokens, and a function of (seed, step, window)."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from luthier.models.packing.attention import packed_attention, position_ids
from luthier.training.dropout import Noise, cheap_dropout
from luthier.training.gradient.neftune import embedding_noise, noisy_embeddings
from luthier.writing.likelihood import learnt_loss
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier
from writing.models import WIDTH, language_model


def drawn(mask: Tensor, windows: list[int], seed: int = 0, step: int = 0, size: int = 16, alpha: float = 5.0) -> Tensor:
    noise = Noise(seed)
    noise.begin(step, windows)
    return embedding_noise(noise.windows, (), mask, size, alpha)


def test_it_is_uniform_within_its_bound() -> None:
    mask = torch.ones(4, 50)
    noise = drawn(mask, [0, 1, 2, 3], size=102)
    bound = 5 / (50 * 102) ** 0.5
    assert noise.abs().max() <= bound
    assert noise.abs().max() > 0.99 * bound
    assert abs(noise.mean()) < 6 * bound / (3 * noise.numel()) ** 0.5
    assert noise.var().item() == pytest.approx(bound**2 / 3, rel=0.03)
    for axis in (0, 1, 2):  # neighbours are independent
        pairs = noise.narrow(axis, 1, noise.shape[axis] - 1) * noise.narrow(axis, 0, noise.shape[axis] - 1)
        assert abs(pairs.mean()) < 6 * bound**2 / 3 / pairs.numel() ** 0.5


def test_a_windows_noise_does_not_depend_on_its_neighbours_or_on_padding() -> None:
    alone = drawn(torch.ones(1, 3), [9])
    right, left = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]), torch.tensor([[0, 0, 1, 1, 1]])
    assert drawn(right, [5, 9])[1, :3].equal(alone[0])
    assert not drawn(right, [5, 9])[1, 3:].any()
    assert drawn(left, [9])[0, 2:].equal(alone[0]) and not drawn(left, [9])[0, :2].any()


def test_windows_in_one_row_have_the_noise_of_each_alone() -> None:
    noise = Noise(0)
    noise.begin(0, [5, 9])
    noise.lay([5, 3])
    packed = embedding_noise(noise.windows, noise.lengths, torch.ones(1, 8), 16, 5.0)
    assert packed[0, :5].equal(drawn(torch.ones(1, 5), [5])[0])
    assert packed[0, 5:].equal(drawn(torch.ones(1, 3), [9])[0])


def test_it_differs_between_seeds_steps_and_windows() -> None:
    mask = torch.ones(1, 4)
    first = drawn(mask, [9], 1, 2)
    assert first.equal(drawn(mask, [9], 1, 2))
    for seed, step, window in [(2, 2, 9), (1, 3, 9), (1, 2, 8)]:
        assert not first.equal(drawn(mask, [window], seed, step))


@pytest.mark.parametrize("name", ["llama", "gemma", "gpt2", "t5", "bart", "lora"])
def test_a_model_in_training_reads_noisy_embeddings(name: str) -> None:
    model = language_model("llama" if name == "lora" else name).train()
    if name == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(target_modules=["q_proj"])).train()
    ids = torch.randint(3, WIDTH, (2, 6))
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2])}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids[:, :3]
    plain = model(**inputs).logits.detach()
    noise = Noise(0)
    with noisy_embeddings(model, noise, 5.0):
        noise.begin(0, [3, 4])
        noisy = model(**inputs).logits.detach()
        assert noisy.equal(model(**inputs).logits)
        assert not torch.allclose(noisy, plain, atol=1e-4)
        alone = {key: value[1:, :4] for key, value in inputs.items()}
        noise.begin(0, [4])
        length = len(model(**alone).logits[0])
        assert torch.allclose(model(**alone).logits[0], noisy[1, :length], atol=1e-4)
        assert torch.allclose(model.eval()(**inputs).logits, plain, atol=1e-5)
        model.train()
    assert torch.allclose(model(**inputs).logits, plain, atol=1e-5)


def test_the_noise_reaches_the_embedding_of_the_source_alone() -> None:
    model = language_model("t5").train()
    ids = torch.randint(3, WIDTH, (1, 4))
    seen: list[Tensor] = []
    noise = Noise(0)
    noise.begin(0, [0])
    with noisy_embeddings(model, noise, 5.0):
        for part in (model.encoder, model.decoder):
            part.embed_tokens.register_forward_hook(lambda _, __, out: seen.append(out))
        model(input_ids=ids, decoder_input_ids=ids.clone())
    table = model.shared.weight[ids]
    after_source, after_target = seen
    assert after_target.equal(table)
    bound = 5 / (4 * 16) ** 0.5
    assert 0.5 * bound < (after_source - table).abs().max() <= bound + 1e-6


def test_a_packed_row_is_noisy_as_its_windows_are() -> None:
    model = language_model("llama").train()
    rows = [torch.randint(3, WIDTH, (1, length)) for length in (6, 4)]
    with cheap_dropout(model, 0) as noise, packed_attention(model, noise), noisy_embeddings(model, noise, 5.0):
        noise.begin(2, [5, 9])
        packed = torch.cat(rows, 1)
        whole = learnt_loss(model, {"input_ids": packed, "position_ids": position_ids([6, 4])}, packed).item()
        parts = 0.0
        for window, ids in zip((5, 9), rows, strict=True):
            noise.begin(2, [window])
            parts += learnt_loss(model, {"input_ids": ids}, ids).item()
    quiet = sum(learnt_loss(model, {"input_ids": ids}, ids).item() for ids in rows)
    assert whole == pytest.approx(parts, rel=1e-5)
    assert whole != pytest.approx(quiet, rel=1e-3)


@pytest.mark.slow
def test_a_run_is_noisy_alike_however_its_steps_are_cut(tmp_path: Path, models: TinyModels) -> None:
    table = write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(60))

    def losses(name: str, *more: str) -> list[float]:
        words = [f"model={models.dropout_encoder}", "train.epochs=1", "train.head_init=random", *QUICK[1:], *more]
        done = luthier("train", table, *words, "--out", tmp_path / name, "--quiet")
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / name / "metrics.jsonl").read_text("utf-8").splitlines()
        return [entry["loss"] for entry in map(json.loads, lines) if "loss" in entry]

    plain, noisy = losses("plain"), losses("noisy", "train.neftune_alpha=20")
    assert noisy != pytest.approx(plain, abs=1e-3)
    assert losses("cut", "train.neftune_alpha=20", "train.max_tokens=32") == pytest.approx(noisy, abs=1e-4)
