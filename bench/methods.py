"""python -m bench.methods: what each tuning method costs, on a causal language model of 14 million random weights.

Learning parameters, what they hold in memory beside the weights (a gradient and AdamW's two moments each, fp32), the
size of what is saved, and the processor time of a step of 4 rows of 128 tokens on one thread. Each method in a process
of its own. Quality is not compared: with random weights there is nothing to adapt.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

METHODS = ("full", "last_layers", "pattern", "lora", "dora", "ia3", "vera", "prompt_tuning", "prefix_tuning")
OPTIONS: dict[str, dict[str, Any]] = {"pattern": {"pattern": r".*norm.*"}}
STEPS = 3


def main() -> None:
    rows = [json.loads(_run(method)) for method in METHODS]
    print("| method | learn | of all | gradients and moments | saved | step |\n| --- | --- | --- | --- | --- | --- |")
    base = rows[0]["seconds"]
    for method, row in zip(METHODS, rows, strict=True):
        free, saved, seconds = row["free"], row["saved"] / 2**20, row["seconds"]
        cells = [method, f"{free:,}", f"{free / rows[0]['free']:.2%}", f"{free * 12 / 2**20:.1f} MiB"]
        print("| " + " | ".join([*cells, f"{saved:.1f} MiB", f"{seconds:.2f} s ({seconds / base:.0%})"]) + " |")


def _run(method: str) -> str:
    done = subprocess.run([sys.executable, "-m", "bench.methods", method], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def measure(method: str) -> dict[str, float]:
    import torch
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaForCausalLM

    from luthier import catalog
    from luthier.training.optimise import build_optimiser

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8000, hidden_size=384, num_hidden_layers=6, num_attention_heads=6, intermediate_size=1024,
        max_position_embeddings=256, tie_word_embeddings=True,
    )  # fmt: skip
    tuned = catalog.tuning_method(method)(LlamaForCausalLM(config), **OPTIONS.get(method, {}))
    optimiser = build_optimiser(tuned.model, tuned.groups, "adamw", 0.0)
    ids = torch.randint(0, 8000, (4, 128))
    seconds: list[float] = []
    for _ in range(STEPS):
        begin = time.process_time()
        logits = tuned.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(time.process_time() - begin)
    free = sum(p.numel() for p in tuned.model.parameters() if p.requires_grad)
    with tempfile.TemporaryDirectory() as folder:
        if tuned.save_adapter is not None:
            tuned.save_adapter(Path(folder))
        else:
            tuned.merge().save_pretrained(folder)
        saved = sum(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))
    return {"free": free, "saved": saved, "seconds": statistics.median(seconds[1:])}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
