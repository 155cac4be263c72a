"""How likely a model finds general text does not depend on batches, and what got less likely is called forgotten."""

import numpy as np
import pytest
import torch
from tokenizers import processors
from torch.nn import functional as F  # noqa: N812

from luthier.evaluation.written.forgetting import Likely, forgetting, likelihood_of
from luthier.models.load import load_tokenizer
from tiny import TinyModels

PASSAGES = ["the parcel is late again", "my card was charged twice, please send the money back to me", "where"]


@pytest.fixture(scope="module")
def causal(models: TinyModels):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(models.causal), load_tokenizer(models.causal).backend


def likely(causal, passages=PASSAGES, longest=512, max_tokens=4096) -> Likely:
    return likelihood_of(causal[0], causal[1], passages, device="cpu", max_tokens=max_tokens, longest=longest)


def test_it_is_the_sum_over_all_tokens_but_the_first_whatever_the_batches(causal) -> None:
    model, tokenizer = causal
    together, alone = likely(causal), likely(causal, max_tokens=1)
    for n, text in enumerate(PASSAGES):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            nll = F.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="sum").item()
        assert together.nll_N[n] == pytest.approx(nll, rel=1e-5)
    assert together.tokens_N.tolist() == [len(tokenizer.encode(text).ids) - 1 for text in PASSAGES]
    assert together.nll_N == pytest.approx(alone.nll_N, rel=1e-5)


def test_a_token_before_the_text_is_read_and_not_counted_and_gives_the_first_one_its_turn(causal) -> None:
    model, tokenizer = causal
    begun = type(tokenizer).from_str(tokenizer.to_str())
    begin = begun.id_to_token(0)
    begun.post_processor = processors.TemplateProcessing(single=f"{begin} $A", special_tokens=[(begin, 0)])
    plain, found = likely(causal), likely((model, begun))
    assert found.tokens_N.tolist() == (plain.tokens_N + 1).tolist()


def test_a_passage_longer_than_the_model_reads_is_read_in_pieces(causal) -> None:
    long = [" ".join(PASSAGES * 6)]
    whole, pieces = likely(causal, long), likely(causal, long, longest=16)
    count = -(-(whole.tokens_N[0] + 1) // 14)
    assert pieces.tokens_N[0] == whole.tokens_N[0] + 1 - count


def test_what_is_called_forgotten_is_less_likely_on_resamples_too() -> None:
    draw = np.random.default_rng(0)
    tokens = draw.integers(50, 150, 40)
    before = Likely(tokens * draw.normal(3.0, 0.3, 40), tokens)
    worse = forgetting("general_en.txt", before, Likely(before.nll_N + 0.2 * tokens, tokens), seed=1)
    assert worse.ratio == pytest.approx((np.exp(0.2),) * 3)  # paired: what is hard for both cancels out
    assert worse.untuned[0] == pytest.approx(np.exp(before.nll_N.sum() / tokens.sum()))
    assert worse.sentence.startswith("forgot: general text perplexity ") and "(+22.1%, 95 %" in worse.sentence
    noise = Likely(before.nll_N + tokens * draw.normal(0, 0.1, 40), tokens)
    unsure = forgetting("general_en.txt", before, noise, seed=1)
    assert unsure.ratio[1] < 1 < unsure.ratio[2] and unsure.sentence.startswith("nothing forgotten: ")
    assert unsure.as_json()["tokens"] == int(tokens.sum())
