"""What is chosen for a model from nothing and for joined texts."""

import pytest

from luthier.beginnings import block_length, blocks_a_step, from_nothing, passes
from luthier.formats.plain import Plain


def test_the_rates_are_those_of_published_models_of_that_width() -> None:
    rates = {
        width: from_nothing(width, 3, joined=True, writes=True)["learning_rate"][0]
        for width in (64, 384, 768, 2048, 4096)
    }
    assert rates == {64: 2e-3, 384: 1.2e-3, 768: 6e-4, 2048: 2.2e-4, 4096: 1.1e-4}


def test_rows_are_seen_more_often_from_nothing_and_joined_texts_by_their_tokens() -> None:
    assert from_nothing(384, 4, joined=False, writes=False)["epochs"][0] == 12
    assert from_nothing(384, 25, joined=False, writes=False)["epochs"][0] == 30
    assert "epochs" not in from_nothing(384, 4, joined=True, writes=True)
    ten_million = 10_000_000
    assert passes(1_200_000, ten_million, pretrained=False)[0] == 10
    assert passes(50_000_000, ten_million, pretrained=False)[0] == 4
    assert passes(10**9, ten_million, pretrained=False)[0] == 1
    assert [passes(tokens, ten_million, pretrained=True)[0] for tokens in (10**6, 10**9)] == [3, 1]


@pytest.mark.parametrize(("tokens", "step"), [(2_000, 128), (1_200_000, 8_192), (30_000_000, 32_768), (10**9, 131_072)])
def test_a_step_has_as_many_tokens_as_the_whole_allows_and_an_epoch_twenty_steps(tokens: int, step: int) -> None:
    blocks, reason = blocks_a_step(tokens, 128)
    assert blocks * 128 == step and f"{step:,} tokens a step" in reason


def test_a_block_is_no_longer_than_the_model_takes() -> None:
    assert [block_length(most, device)[0] for most, device in ((2048, "cpu"), (2048, "cuda"), (128, "cuda"))] == [
        512, 1024, 128,
    ]  # fmt: skip


def test_of_plain_text_a_twentieth_is_held_back_and_of_few_texts_more() -> None:
    assert [Plain().usual_shares(rows) for rows in (10, 100, 200, 5000)] == [
        (0.2, 0.1), (0.2, 0.1), (0.1, 0.05), (0.05, 0.025),
    ]  # fmt: skip


def test_a_model_that_writes_nothing_begins_from_nothing_at_the_rate_of_bert() -> None:
    rates = {width: from_nothing(width, 3, joined=False, writes=False)["learning_rate"][0] for width in (384, 768)}

    assert rates == {384: 2e-4, 768: 1e-4}
