"""At which learning rate each tuning method begins, where the user leaves it open."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.language import t


@dataclass(frozen=True)
class Rate:
    """factor: in rates of full tuning of the same model. fixed: instead of that, whatever the model. reason: "" for
    full tuning itself. head: the task's head, in rates of all else: what the method adds may take steps that would
    throw a head out of the place where the untuned model has put it. at_random: instead of `fixed`, where the head
    begins at random and has nothing to lose (SST-2, 1,500 rows, from where the untuned model puts the head: validation
    loss after an epoch 2.80 at 1e-3, 0.62 at 1e-4)."""

    factor: float = 1.0
    fixed: float | None = None
    reason: str = ""
    head: float = 1.0
    at_random: float | None = None


def usual_rate(method: str) -> Rate:
    """IA³: Liu et al. 2022. VeRA: Kopiczko et al. 2024. BitFit: Ben Zaken et al. 2022. LoRA+: half of LoRA's rate for
    A, as PEFT advises. What is not listed is an adapter.

    A head that begins with what the untuned model knows is best left near it: on 427 tickets LoRA's validation loss
    after an epoch was 1.61 with the head at a tenth of the adapter's rate, 3.68 at the same.
    """
    few = Rate(10, reason=t("few weights move: ten times the rate of full tuning"), head=0.1)
    scales = Rate(fixed=4e-3, reason=t("scales of fixed random matrices take large steps"), head=0.1)
    virtual = Rate(fixed=3e-3, reason=t("virtual tokens have far to go"), head=0.1)
    return {
        "full": Rate(),
        "last_layers": Rate(),
        "gradual": Rate(),
        "head": Rate(fixed=1e-4, at_random=1e-3, reason=t("only the head learns")),
        "few_shot": Rate(3, reason=t("few steps, towards vectors alone: three times the rate of full tuning")),
        "pattern": few,
        "ln_tuning": few,
        "loraplus": Rate(5, reason=t("LoRA+: A at half of LoRA's rate, B at a multiple of that"), head=0.2),
        "ia3": Rate(fixed=3e-3, reason=t("scales of activations, which begin at 1, take large steps"), head=0.1),
        "vera": scales,
        "pvera": scales,
        "prompt_tuning": virtual,
        "prefix_tuning": virtual,
        "p_tuning": Rate(fixed=1e-3, reason=t("a network makes the virtual tokens"), head=0.3),
    }.get(method, Rate(10, reason=t("adapters take ten times the rate"), head=0.1))
