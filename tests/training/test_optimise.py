"""Schedules, optimisers, and how their state is put down and picked up."""

import pytest
import torch
from torch import nn

from luthier.errors import CheckpointError
from luthier.training.optimise import (
    OPTIMISERS,
    SCHEDULES,
    Schedule,
    build_optimiser,
    copy_moments,
    copy_weights,
    restore_moments,
    restore_weights,
    set_learning_rate,
)
from luthier.tuning.parts import Group


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def groups(of: nn.Module, scale: float = 1.0) -> tuple[Group, ...]:
    return (Group(frozenset(name for name, _ in of.named_parameters()), scale),)


def step(of: nn.Module, optimiser: torch.optim.Optimizer, rate: float = 1e-2) -> None:
    of(torch.arange(4.0)).square().sum().backward()
    set_learning_rate(optimiser, rate)
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize("decay", SCHEDULES)
def test_a_schedule_warms_up_to_its_peak_and_is_never_zero_while_it_runs(decay: str) -> None:
    schedule = Schedule(1e-3, warmup_steps=10, total_steps=100, decay=decay)
    rates = [schedule(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10]) and 0 < rates[0] < rates[9] < 1e-3
    assert rates[10] == max(rates) == 1e-3
    assert min(rates) > 0


def test_decays_have_their_shapes() -> None:
    middle = {decay: Schedule(1.0, 0, 100, decay)(75) for decay in SCHEDULES}
    assert middle == {"linear": 0.25, "cosine": pytest.approx(0.1464, abs=1e-3), "constant": 1.0}


def test_a_schedule_of_one_step_works() -> None:
    assert Schedule(1.0, 0, 1)(0) == 1.0


def test_norms_and_biases_do_not_decay() -> None:
    net = model()
    optimiser = build_optimiser(net, groups(net), "adamw", 0.1)
    decayed = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert {name: decayed[id(p)] for name, p in net.named_parameters()} == {
        "0.weight": 0.1, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0, "2.weight": 0.1, "2.bias": 0.0,
    }  # fmt: skip


def test_frozen_weights_do_not_move_even_with_decay() -> None:
    net = model()
    net[0].requires_grad_(False)
    before = net[0].weight.detach().clone()
    optimiser = build_optimiser(net, groups(net), "adamw", 0.5)
    step(net, optimiser)
    assert net[0].weight.equal(before)


def test_a_group_learns_at_its_share_of_the_rate() -> None:
    net = model()
    slow, fast = Group(frozenset({"0.weight", "0.bias"}), 0.1), Group(frozenset({"2.weight", "2.bias"}))
    optimiser = build_optimiser(net, (slow, fast), "sgd", 0.0)
    set_learning_rate(optimiser, 1e-2)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == [pytest.approx(1e-3), 1e-2]


def test_the_first_step_of_adamw_is_the_rate_itself_thanks_to_bias_correction() -> None:
    net = nn.Linear(3, 1, bias=False)
    optimiser = build_optimiser(net, groups(net), "adamw", 0.0)
    before = net.weight.detach().clone()
    step_input = torch.ones(3)
    net(step_input).sum().backward()
    set_learning_rate(optimiser, 1e-2)
    optimiser.step()
    torch.testing.assert_close((before - net.weight).detach(), torch.full((1, 3), 1e-2), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_goes_on_bit_for_bit_from_its_saved_state(name: str) -> None:
    straight = model()
    optimiser = build_optimiser(straight, groups(straight), name, 0.01)
    step(straight, optimiser)
    weights, moments = copy_weights(straight), copy_moments(straight, optimiser)
    step(straight, optimiser)
    resumed = model()
    again = build_optimiser(resumed, groups(resumed), name, 0.01)
    restore_weights(resumed, weights)
    restore_moments(resumed, again, moments)
    step(resumed, again)
    for a, b in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert a.equal(b)


def test_weights_of_another_model_are_refused_by_name_and_by_shape() -> None:
    net = model()
    weights = copy_weights(net)
    with pytest.raises(CheckpointError, match=r"2\.weight is only in the model"):
        restore_weights(net, {name: w for name, w in weights.items() if name != "2.weight"})
    with pytest.raises(CheckpointError, match=r"2\.weight has shape \(3, 4\)"):
        restore_weights(net, {**weights, "2.weight": torch.zeros(3, 4)})


def test_moments_that_fit_no_weight_are_refused() -> None:
    net = model()
    optimiser = build_optimiser(net, groups(net), "adamw", 0.01)
    with pytest.raises(CheckpointError, match="does not fit"):
        restore_moments(net, optimiser, {"9.weight/exp_avg": torch.zeros(2)})
