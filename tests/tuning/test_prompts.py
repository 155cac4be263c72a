"""Virtual tokens: where they go in, that nothing behind the body sees them, and that they are found again."""

from pathlib import Path
from typing import Any

import pytest
import torch

from luthier import catalog
from luthier.errors import ConfigError
from luthier.tuning.parts import Tuned
from luthier.tuning.prompts import with_prompt
from tuning.tiny_writers import IDS, MASK, logits, model, train

QUICK = [("gpt2", "prefix_tuning"), ("t5", "prompt_tuning"), ("bert", "p_tuning")]
MORE = [("gpt2", "prompt_tuning"), ("llama", "p_tuning"), ("llama", "prefix_tuning"), ("bert", "prompt_tuning")]
PAIRS = [*QUICK, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in MORE)]


def trained(make: str, method: str) -> Tuned:
    tuned = catalog.tuning_method(method)(model(make), num_virtual_tokens=4)
    assert tuned.stays and tuned.places == 4
    train(tuned.model)
    tuned.model.eval()
    return tuned


@pytest.mark.parametrize(("make", "method"), PAIRS)
def test_it_learns_keeps_the_model_and_is_found_again_beside_it(make: str, method: str, tmp_path: Path) -> None:
    untuned = model(make)
    tuned = trained(make, method)
    body = {n: p for n, p in untuned.named_parameters() if not n.startswith(("classifier", "bert.pooler"))}
    plain: Any = tuned.merge()
    with torch.no_grad():
        said = logits(tuned.model)
        assert said.shape == logits(untuned).shape and (said - logits(untuned)).abs().max() > 1e-3
        assert all(plain.get_parameter(name).equal(p) for name, p in body.items())
        assert tuned.save_adapter is not None
        tuned.save_adapter(tmp_path / "adapter")
        plain.save_pretrained(tmp_path)
        again = with_prompt(type(plain).from_pretrained(tmp_path).eval(), tmp_path / "adapter").eval()
        torch.testing.assert_close(logits(again), said, rtol=1e-5, atol=1e-6)
    assert {name for name, _ in plain.named_parameters()} == {name for name, _ in untuned.named_parameters()}


@pytest.mark.parametrize(("make", "method"), PAIRS)
def test_a_row_is_answered_alike_alone_and_beside_longer_ones(make: str, method: str) -> None:
    tuned = trained(make, method)
    with torch.no_grad():
        together, alone = logits(tuned.model)[1], logits(tuned.model, IDS[1:, :3], MASK[1:, :3])[0]
    torch.testing.assert_close(together[: len(alone)] if alone.ndim > 1 else together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "method"), [("gpt2", "prompt_tuning"), ("t5", "prompt_tuning"),
                                              ("llama", "prefix_tuning")])  # fmt: skip
def test_peft_itself_gives_the_same_logits_behind_its_virtual_tokens(make: str, method: str, tmp_path: Path) -> None:
    from peft import PeftModel

    tuned = trained(make, method)
    assert tuned.save_adapter is not None
    tuned.save_adapter(tmp_path)
    theirs = PeftModel.from_pretrained(model(make), str(tmp_path)).eval()
    assert type(theirs).__name__ == {"t5": "PeftModelForSeq2SeqLM"}.get(make, "PeftModelForCausalLM")
    inputs: dict[str, Any] = {"input_ids": IDS, "attention_mask": MASK}
    if make == "t5":
        inputs["decoder_input_ids"] = IDS[:, :3]
    with torch.no_grad():
        behind = theirs(**inputs).logits[:, -logits(tuned.model).shape[1] :]
        torch.testing.assert_close(behind, logits(tuned.model), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "method"), [pair for pair in (*QUICK, *MORE) if pair[0] != "bert"])
def test_what_it_writes_with_a_cache_is_what_it_writes_without(make: str, method: str) -> None:
    tuned = trained(make, method)
    with torch.no_grad():
        for row, mask in ((IDS[:1], MASK[:1]), (IDS.flip(1), MASK.flip(1))):  # the second with padding on the left
            how: Any = {"input_ids": row, "attention_mask": mask, "max_new_tokens": 5, "do_sample": False}
            wrapped: Any = tuned.model
            assert wrapped.generate(**how).tolist() == wrapped.generate(**how, use_cache=False).tolist()


def test_a_generated_text_is_the_most_likely_one_by_the_logits() -> None:
    for make, method in (("gpt2", "prompt_tuning"), ("llama", "prefix_tuning")):
        wrapped: Any = trained(make, method).model
        with torch.no_grad():
            said = wrapped.generate(input_ids=IDS[:1], attention_mask=MASK[:1], max_new_tokens=4, do_sample=False)
            best = logits(wrapped, said, torch.ones_like(said)).argmax(-1)
        assert said[0, 5:].tolist() == best[0, 4:-1].tolist()


def test_prefixes_are_refused_where_no_keys_are_kept() -> None:
    for make in ("bert", "t5"):
        with pytest.raises(ConfigError, match="only decoders keep"):
            catalog.tuning_method("prefix_tuning")(model(make))


def test_rows_of_several_texts_are_refused() -> None:
    tuned = catalog.tuning_method("prompt_tuning")(model("llama"))
    with pytest.raises(ConfigError, match="one text a row"):
        logits(tuned.model, mask=torch.zeros(2, 1, 5, 5))
