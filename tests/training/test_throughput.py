"""Work is counted as it is defined, so that utilisation means what it says."""

import numpy as np
import pytest

from luthier.training.throughput import layer_passes, needed_flops, peak_memory
from luthier.tuning.methods import full, head, last_layers, lora
from tiny import TinyModels, bench


def test_flops_of_a_layer_are_those_of_its_formula() -> None:
    length, hidden, inner = 10, 4, 16
    one = 2 * length * (4 * hidden**2 + 2 * hidden * inner) + 4 * length**2 * hidden
    assert needed_flops([10, 10], np.ones(2), hidden, inner, [3, 3]) == pytest.approx(2 * 6 * one)


def test_passes_are_three_where_weights_learn_two_above_them_and_one_below(models: TinyModels) -> None:
    def passes(method, **options: object) -> list[float]:
        model = bench("classification", models.encoder).model
        return layer_passes(model, method(model, **options).model)

    assert passes(full) == [3, 3, 3]
    assert passes(head) == [1, 1, 1]
    assert passes(last_layers, n=1) == [1, 1, 3]
    assert passes(lora) == [2, 2, 2]


def test_peak_memory_is_that_of_the_process() -> None:
    assert 50 * 2**20 < peak_memory("cpu") < 100 * 2**30
