"""Where adapters go, what learns beside them, and that merging keeps every answer."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models
from torch import nn

from luthier import catalog
from luthier.errors import ConfigError, StoppedError
from luthier.models.new_tokens import grow_vocabulary, new_token_ids
from luthier.tuning import merging
from luthier.tuning.adapters import linear_layers
from luthier.tuning.methods import lora, loraplus, pattern, rslora
from luthier.tuning.parts import Tuned, layer_stack
from tuning.tiny_writers import logits, model, train

MORE = [("bert", "loraplus"), ("t5", "dora"), ("gpt2", "dora")]
PAIRS = [("gpt2", "lora"), ("llama", "dora"), ("t5", "rslora")]
PAIRS += [pytest.param(*pair, marks=pytest.mark.slow) for pair in MORE]


def merged(tuned: Tuned) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Logits before and after, and the plain model; the product's own check runs with it."""
    tuned.model.eval()
    with torch.no_grad():
        before = logits(tuned.model)
        plain = tuned.merge(lambda asked: logits(asked))
        return before, logits(plain), plain


@pytest.mark.parametrize(("make", "method"), PAIRS)
def test_merging_keeps_every_logit(make: str, method: str) -> None:
    plain = model(make)
    names, untuned = set(plain.state_dict()), logits(plain).detach()
    tuned = catalog.tuning_method(method)(plain)
    train(tuned.model)
    before, after, plain = merged(tuned)
    assert (before - untuned).abs().max() > 1e-2  # it learned
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    assert set(plain.state_dict()) == names


@pytest.mark.parametrize("make", ["t5", pytest.param("gpt2", marks=pytest.mark.slow), "llama"])
def test_every_linear_layer_but_the_output_layer_is_adapted_and_ties_stay(make: str, tmp_path: Path) -> None:
    plain = model(make)
    layers = [n for n, p in plain.named_modules() if isinstance(p, nn.Linear) or type(p).__name__ == "Conv1D"]
    assert sorted(linear_layers(plain, None)) == sorted(n for n in layers if n != "lm_head")
    tied = plain.get_output_embeddings().weight is plain.get_input_embeddings().weight
    embedding = plain.get_input_embeddings().weight.detach().clone()
    tuned = lora(plain)
    train(tuned.model)
    _, after, plain = merged(tuned)
    assert (plain.get_output_embeddings().weight is plain.get_input_embeddings().weight) == tied
    assert plain.get_input_embeddings().weight.equal(embedding)
    plain.save_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(logits(type(plain).from_pretrained(tmp_path).eval()), after, rtol=0, atol=0)


def test_loraplus_lets_only_the_b_matrices_learn_faster() -> None:
    for tuned, rate in ((loraplus(model("gpt2")), 16.0), (lora(model("gpt2"), loraplus=4.0), 4.0)):
        scales = {group.scale: group.names for group in tuned.groups}
        assert set(scales) == {1.0, rate}
        assert all(".lora_B." in name for name in scales[rate]) and not any(".lora_B." in n for n in scales[1.0])
    with pytest.raises(ConfigError, match="loraplus"):
        lora(model("gpt2"), loraplus=0.0)


def test_rslora_divides_by_the_root_of_the_rank() -> None:
    for tuned, scale in ((lora(model("llama"), r=16, alpha=32), 2.0), (rslora(model("llama"), r=16, alpha=32), 8.0)):
        layers: list[Any] = [part for part in tuned.model.modules() if hasattr(part, "lora_A")]
        assert layers and {layer.scaling["default"] for layer in layers} == {scale}


def tokenizer(rows: int, *added: str) -> Tokenizer:
    made = Tokenizer(models.WordLevel({f"w{i}": i for i in range(rows)}, unk_token="w0"))
    made.add_special_tokens([AddedToken(token, special=True) for token in added])
    return made


@pytest.mark.parametrize("make", ["gpt2", "llama"])
def test_new_tokens_begin_as_the_mean_and_learn_while_old_ones_stay(make: str) -> None:
    plain = model(make)
    old = plain.get_input_embeddings().weight.detach().clone()
    assert grow_vocabulary(plain, tokenizer(99, "<a>", "<b>")) == (99, 100) == new_token_ids(plain)
    grown = plain.get_input_embeddings().weight.detach().clone()
    torch.testing.assert_close(grown[99:], old.mean(0).expand(2, -1))
    tuned = lora(plain)
    assert any("2 new tokens learn" in note for note in tuned.notes)
    ids = torch.tensor([[5, 99, 100, 7, 8]])
    optimiser = torch.optim.Adam([p for p in tuned.model.parameters() if p.requires_grad], 1e-2)
    logits(tuned.model, ids, torch.ones_like(ids)).log_softmax(-1)[..., 99].sum().neg().backward()
    optimiser.step()
    before, after, plain = merged(tuned)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    embedding, output = (layer.weight for layer in (plain.get_input_embeddings(), plain.get_output_embeddings()))
    for weight in (embedding, output):
        assert weight.shape == (101, 32)
    assert embedding[:99].equal(old) and not embedding[99:].equal(grown[99:])
    assert (output is embedding) == (make == "gpt2")


def test_the_tokenizer_of_another_model_does_not_make_it_grow() -> None:
    plain = model("gpt2")
    assert grow_vocabulary(plain, tokenizer(120)) == () == grow_vocabulary(plain, tokenizer(90))
    assert plain.get_input_embeddings().num_embeddings == 99


def test_a_merge_that_changes_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from peft.tuners.lora.layer import Linear

    tuned = lora(model("llama"))
    train(tuned.model)
    right = Linear.get_delta_weight
    monkeypatch.setattr(Linear, "get_delta_weight", lambda self, adapter: right(self, adapter) / 2)
    with pytest.raises(StoppedError, match="after merging the model answers otherwise"):
        tuned.merge(lambda asked: logits(asked))


def test_a_base_in_half_precision_is_merged_in_full() -> None:
    plain = model("llama").to(torch.bfloat16)
    tuned = lora(plain)
    train(tuned.model)
    got = tuned.merge(lambda asked: logits(asked))
    assert {p.dtype for p in got.parameters()} == {torch.float32}
    assert merging.BOUND < merging.NARROW_BOUND


def test_a_pattern_frees_what_it_matches_and_the_head() -> None:
    tuned = pattern(model("bert"))
    free = {name for group in tuned.groups for name in group.names}
    assert all(name.endswith(".bias") or name.startswith(("classifier.", "bert.pooler.")) for name in free)
    assert "bert.encoder.layer.0.attention.self.query.bias" in free and "classifier.weight" in free
    one = pattern(model("bert"), pattern=r"encoder\.layer\.1\..*")
    assert "bert.encoder.layer.1.output.dense.weight" in {name for group in one.groups for name in group.names}
    with pytest.raises(ConfigError, match="no parameter's whole name matches 'bais'"):
        pattern(model("bert"), pattern="bais")
    with pytest.raises(ConfigError, match="no regular expression"):
        pattern(model("bert"), pattern="(bias")


def test_the_last_layers_of_an_encoder_decoder_are_the_decoders() -> None:
    name, layers = layer_stack(model("t5"))
    assert name == "decoder.block" and len(layers) == 2
    free = {n for group in catalog.tuning_method("last_layers")(model("t5"), n=1).groups for n in group.names}
    assert free and all(n.startswith(("decoder.block.1.", "decoder.final_layer_norm")) for n in free)
