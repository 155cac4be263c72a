"""QLoRA: refused with the reason where it cannot be, and the same numbers after merging where it can."""

from pathlib import Path
from typing import Any

import pytest
import torch

from luthier import catalog
from luthier.errors import ConfigError
from luthier.models.load import load_model, loading_with
from luthier.tuning.four_bits import check_four_bits, four_bits, loading_of
from tuning.tiny_writers import logits, train


def test_without_a_gpu_it_says_why_and_what_to_use() -> None:
    with pytest.raises(ConfigError, match=r"needs a CUDA GPU; this machine has none\n.*tuning.method=lora"):
        loading_of(catalog.tuning_method("qlora"), "cpu")
    assert loading_of(catalog.tuning_method("lora"), "cpu") is None


def test_without_bitsandbytes_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.tuning.four_bits.has", lambda module: False)
    with pytest.raises(ConfigError, match=r"pip install 'luthier\[gpu\]'"):
        check_four_bits("cuda:0")
    monkeypatch.setattr("luthier.tuning.four_bits.has", lambda module: True)
    check_four_bits("cuda:0")


@pytest.mark.parametrize("make", ["bert", "gpt2", "t5"])
def test_the_head_and_the_output_layer_keep_their_precision(make: str) -> None:
    from tuning.tiny_writers import model

    config = four_bits(model(make), "cpu")["quantization_config"]
    assert config.bnb_4bit_quant_type == "nf4" and config.bnb_4bit_use_double_quant and config.load_in_4bit
    expected = {"bert": {"classifier", "bert.pooler.dense"}}.get(make, {"lm_head"})
    assert set(config.llm_int8_skip_modules) == expected


@pytest.mark.slow
@pytest.mark.parametrize("make", ["GPT2", "Llama"])
def test_four_bits_are_loaded_trained_and_merged_in_full_precision(make: str, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")  # its CPU backend is enough
    import transformers as hf

    sizes: Any = (
        {"n_embd": 128, "n_layer": 2, "n_head": 4, "n_positions": 64}
        if make == "GPT2"
        else {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256}
    )
    torch.manual_seed(0)
    plain = getattr(hf, f"{make}LMHeadModel" if make == "GPT2" else f"{make}ForCausalLM")(
        getattr(hf, f"{make}Config")(vocab_size=99, bos_token_id=2, eos_token_id=3, **sizes)
    )
    plain.save_pretrained(tmp_path / "plain")
    with loading_with(four_bits):
        narrow = load_model(tmp_path / "plain", "AutoModelForCausalLM", {}, seed=0, device="cpu").model
    for part in narrow.modules():
        part.support_avx512bf16_for_cpu = False  # else bitsandbytes repacks on a CPU what was to be trained
    assert sum(type(part).__name__ == "Linear4bit" for part in narrow.modules()) >= 8
    tuned = catalog.tuning_method("qlora")(narrow)
    train(tuned.model)
    tuned.model.eval()
    with torch.no_grad():
        before = logits(tuned.model)
    merged = tuned.merge(lambda asked: logits(asked))
    with torch.no_grad():
        torch.testing.assert_close(logits(merged.eval()), before, rtol=0, atol=0.02 * float(before.abs().max()))
    assert set(merged.state_dict()) == set(plain.state_dict())
    assert {p.dtype for p in merged.parameters()} == {torch.float32} and not hasattr(
        merged.config, "quantization_config"
    )
