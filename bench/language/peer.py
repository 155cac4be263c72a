"""TRL's SFTTrainer, in a process of its own and a Python of its own: PYTHON peer.py HOW MODEL ROWS BATCH LENGTH STEPS

HOW: default, as the class comes; tuned, grouped by length, without gradient checkpointing, in bf16 with fused AdamW;
with -lora behind it an adapter of rank 16 on every linear layer learns.
ROWS: JSON lines of messages, of which the last is learnt. Prints the line of JSON that one.py prints.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TUNED: dict[str, Any] = {
    "gradient_checkpointing": False, "bf16": True, "optim": "adamw_torch_fused",
    "train_sampling_strategy": "group_by_length",
}  # fmt: skip


def main() -> None:
    how, folder, rows, *numbers = sys.argv[1:]
    options: dict[str, Any] = TUNED if how.startswith("tuned") else {}
    lora = how.endswith("-lora")
    print(json.dumps(trained(options, lora, folder, Path(rows), *map(int, numbers))))


def trained(
    how: dict[str, Any], lora: bool, folder: str, rows: Path, batch: int, length: int, steps: int
) -> dict[str, Any]:
    import torch
    from transformers import AutoTokenizer, logging

    hf, datasets, trl = (importlib.import_module(name) for name in ("transformers", "datasets", "trl"))
    logging.set_verbosity_error()
    messages = [json.loads(line)["messages"] for line in rows.read_text(encoding="utf-8").splitlines()]
    data = datasets.Dataset.from_list([{"prompt": turns[:-1], "completion": turns[-1:]} for turns in messages])
    with tempfile.TemporaryDirectory() as out:
        options = trl.SFTConfig(
            out, per_device_train_batch_size=batch, max_steps=steps, learning_rate=1e-4, max_length=length,
            use_cpu=not torch.cuda.is_available(), report_to="none", save_strategy="no", logging_steps=1,
            disable_tqdm=True, **how,
        )  # fmt: skip
        model = hf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        adapter = importlib.import_module("peft").LoraConfig(r=16, target_modules="all-linear") if lora else None
        trainer = trl.SFTTrainer(model, options, train_dataset=data, processing_class=tokenizer, peft_config=adapter)
        counted = {"tokens": 0, "learnt": 0, "padded": 0}
        collate: Any = trainer.data_collator

        def counting(examples: list[Any]) -> Any:
            made = collate(examples)
            counted["tokens"] += int(made["attention_mask"].sum())
            counted["padded"] += made["input_ids"].numel()
            counted["learnt"] += int((made["labels"] != -100).sum())
            return made

        trainer.data_collator = counting
        cpu, begin = time.process_time(), time.perf_counter()
        trainer.train()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if torch.cuda.is_available():
        memory = torch.cuda.max_memory_allocated()
    return {"seconds": seconds, "cpu_seconds": cpu, **counted, "loss": losses[-1], "memory": memory}


if __name__ == "__main__":
    main()
