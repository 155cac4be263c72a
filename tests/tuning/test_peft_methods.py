"""PEFT's own methods through one door: by their names, with their options, refused before it is too late."""

import pytest
import torch

from luthier import catalog
from luthier.config.settings import load_settings
from luthier.errors import ConfigError
from luthier.tuning.peft_methods import peft_names
from tiny import TinyModels, bench
from tuning.tiny_writers import logits, model, train

OPTIONS = {
    "c3a": {"block_size": 16}, "fourierft": {"n_frequency": 64}, "miss": {"r": 8}, "psoft": {"r": 4},
    "road": {"group_size": 16}, "shira": {"r": 4}, "vblora": {"vector_length": 16}, "waveft": {"n_frequency": 64},
}  # fmt: skip
"""Where PEFT's defaults are for larger models."""
QUICK = [("gpt2", "vera"), ("t5", "ia3"), ("bert", "ln_tuning"), ("llama", "oft")]
MAKES = ["bert", "llama", "t5", "gpt2"]
ALL = [(MAKES[i % 3], name) for i, name in enumerate(n for n in peft_names() if n not in
       ("beft", "prompt_tuning", "p_tuning", "prefix_tuning"))]  # fmt: skip


def check(make: str, method: str) -> None:
    plain = model(make)
    names, untuned = set(plain.state_dict()), logits(plain).detach()
    tuned = catalog.tuning_method(method)(plain, **OPTIONS.get(method, {}))
    named = sorted(name for group in tuned.groups for name in group.names)
    assert named == sorted(name for name, p in tuned.model.named_parameters() if p.requires_grad)
    train(tuned.model)
    tuned.model.eval()
    with torch.no_grad():
        before = logits(tuned.model)
        plain = tuned.merge(lambda asked: logits(asked))
        after = logits(plain)
    assert (before - untuned).abs().max() > 1e-3
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)
    assert set(plain.state_dict()) == names


@pytest.mark.parametrize(("make", "method"), QUICK)
def test_it_learns_and_merges_into_the_same_answers(make: str, method: str) -> None:
    check(make, method)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "method"), ALL)
def test_every_method_that_is_offered_learns_and_merges(make: str, method: str) -> None:
    check(make, method)


def test_its_options_are_those_of_pefts_configuration_class() -> None:
    assert load_settings(None, ["tuning.method=vera", "tuning.r=64", "tuning.d_initial=0.2"]).tuning["r"] == 64
    with pytest.raises(ConfigError) as caught:
        load_settings(None, ["tuning.method=vera", "tuning.d_inital=0.2"])
    (problem,) = caught.value.problems
    assert "tuning.d_inital" in problem.what and "tuning.d_initial" in problem.fix
    with pytest.raises(ConfigError, match=r"tuning\.r is 'many'"):
        load_settings(None, ["tuning.method=loha", "tuning.r=many"])
    for hidden in ("task_type", "modules_to_save", "prompt_tuning_init_state_dict_path"):
        assert hidden not in catalog.tuning_options("prompt_tuning")


def test_a_misspelt_name_is_told_the_nearest_of_all() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ia3'"):
        load_settings(None, ["tuning.method=iaa3"])
    with pytest.raises(ConfigError, match="gives out ranks anew between two steps"):
        load_settings(None, ["tuning.method=adalora"])


def test_what_does_not_fit_the_model_is_told_before_training() -> None:
    with pytest.raises(ConfigError, match=r"road does not fit this model: .*group_size"):
        catalog.tuning_method("road")(model("bert"))
    with pytest.raises(ConfigError, match="cannot merge"):
        catalog.tuning_method("beft")(model("llama"))
    with pytest.raises(ConfigError, match="nothing to learn"):
        catalog.tuning_method("osf")(model("gpt2"))
    with pytest.raises(ConfigError, match="no linear layer is called 'quary'"):
        catalog.tuning_method("ia3")(model("bert"), target_modules=["quary"])


def test_scales_take_large_steps_and_the_head_small_ones() -> None:
    scales = {group.scale: group.names for group in catalog.tuning_method("ia3")(model("bert")).groups}
    assert set(scales) == {1.0, 0.1} and all("modules_to_save" in name for name in scales[0.1])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ia3", "lora", "prompt_tuning", "pattern"])
@pytest.mark.parametrize("task", ["fusion", "multitask", "retrieval", "ner", "question_answering"])
def test_tasks_with_models_of_their_own_are_adapted_and_merged_too(task: str, method: str, models: TinyModels) -> None:
    ready = bench(task, models.encoder)
    batch, loss = ready.batches(4)[0], ready.codec.task.loss
    tuned = catalog.tuning_method(method)(ready.model)
    optimiser = torch.optim.Adam([p for p in tuned.model.parameters() if p.requires_grad], 1e-2)
    for _ in range(2):
        loss(tuned.model, batch).backward()
        optimiser.step()
        optimiser.zero_grad()
    tuned.model.eval()
    before = loss(tuned.model, batch).item()
    plain = tuned.merge(lambda model: loss(model, batch)).eval()
    if not tuned.stays:
        assert loss(plain, batch).item() == pytest.approx(before, rel=1e-3)
