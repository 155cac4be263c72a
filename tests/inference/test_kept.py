"""What the untuned model sees is kept: the same numbers come back, and the model is not asked again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.caching import Cache
from luthier.inference.frozen import frozen_features
from luthier.runtime import Runtime
from tiny import Bench, TinyModels, bench


class Asked(Exception):  # noqa: N818
    pass


def look(ready: Bench, cache: Cache | None, **how: Any) -> Any:
    inputs = ready.codec.task.questions(ready.examples)
    return frozen_features(
        ready.model,
        ready.codec,
        inputs,
        Runtime(),
        max_tokens=how.pop("max_tokens", 256),
        keep_states=True,
        cache=cache,
    )


def silent(ready: Bench) -> Bench:
    """The same, whose model must not be asked."""

    def refuse(*_: Any) -> None:
        raise Asked

    ready.model.register_forward_pre_hook(refuse)
    return ready


@pytest.mark.parametrize("task", ["classification", "ner"])
def test_what_is_kept_is_what_was_seen(task: str, models: TinyModels, tmp_path: Path) -> None:
    cache = Cache(tmp_path, 2**30)
    plain = look(bench(task, models.encoder), None)
    first, again = look(bench(task, models.encoder), cache), look(silent(bench(task, models.encoder)), cache)
    for found in (first, again):
        np.testing.assert_array_equal(found.vectors, plain.vectors)
        for name in ("token_inputs", "states"):
            one, other = getattr(found, name), getattr(plain, name)
            assert len(one) == len(other)
            assert all(np.array_equal(_plain(a), _plain(b)) for a, b in zip(one, other, strict=True))
        assert (found.head_inputs is None) == (plain.head_inputs is None)
    assert len(plain.token_inputs or plain.states) == len(plain.windows)


def _plain(value: Any) -> np.ndarray:
    return value.float().numpy() if isinstance(value, torch.Tensor) else value


def test_other_weights_texts_or_batches_are_looked_at_anew_and_the_logits_layer_is_nothing_to_it(
    models: TinyModels, tmp_path: Path
) -> None:
    cache = Cache(tmp_path, 2**30)
    look(bench("classification", models.encoder), cache)
    other = bench("classification", models.encoder)
    with torch.no_grad():
        other.model.get_submodule("classifier").get_parameter("weight").mul_(2)
    look(silent(other), cache)
    with torch.no_grad():
        other.model.get_input_embeddings().get_parameter("weight")[5] += 1
    for changed, how in (
        (other, {}),
        (bench("classification", models.encoder, max_length=8), {}),
        (silent(bench("classification", models.encoder)), {"max_tokens": 64}),
    ):
        with pytest.raises(Asked):
            look(silent(changed), cache, **how)


def test_a_full_cache_changes_nothing(models: TinyModels, tmp_path: Path) -> None:
    ready = bench("classification", models.encoder)
    np.testing.assert_array_equal(look(ready, Cache(tmp_path, 10)).vectors, look(ready, None).vectors)
    assert Cache(tmp_path, 10).bytes_used() == 0
