"""TRL's SFTTrainer, in a process of its own and a Python of its own:
PYTHON peer.py HOW MODEL ROWS BATCH LENGTH STEPS WARM

HOW: default, as the class comes; tuned, grouped by length, without gradient checkpointing, in bf16 with fused AdamW, on
a GPU with Liger's kernels where they are installed; with -lora behind it an adapter of rank 16 on every linear layer
learns, tuned beside frozen weights in bf16 and one row at a time, so many times a step.
ROWS: JSON lines of messages, of which the last is learnt. WARM: steps that are not counted on a GPU. Prints the line of
JSON that one.py prints.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TUNED: dict[str, Any] = {
    "gradient_checkpointing": False, "bf16": True, "optim": "adamw_torch_fused",
    "train_sampling_strategy": "group_by_length",
}  # fmt: skip


def main() -> None:
    how, folder, rows, *numbers = sys.argv[1:]
    options: dict[str, Any] = dict(TUNED) if how.startswith("tuned") else {}
    lora = how.endswith("-lora")
    if options and find_spec("liger_kernel") and find_spec("triton"):
        options["use_liger_kernel"] = True
    print(json.dumps(trained(options, lora, folder, Path(rows), *map(int, numbers))))


def trained(
    how: dict[str, Any], lora: bool, folder: str, rows: Path, batch: int, length: int, steps: int, warm: int
) -> dict[str, Any]:
    import torch
    from transformers import AutoTokenizer, logging

    hf, datasets, trl = (importlib.import_module(name) for name in ("transformers", "datasets", "trl"))
    logging.set_verbosity_error()
    messages = [json.loads(line)["messages"] for line in rows.read_text(encoding="utf-8").splitlines()]
    data = datasets.Dataset.from_list([{"prompt": turns[:-1], "completion": turns[-1:]} for turns in messages])
    alone = bool(lora and how)
    with tempfile.TemporaryDirectory() as out:
        options = trl.SFTConfig(
            out, per_device_train_batch_size=1 if alone else batch,
            gradient_accumulation_steps=batch if alone else 1, max_steps=steps, learning_rate=1e-4, max_length=length,
            use_cpu=not torch.cuda.is_available(), report_to="none", save_strategy="no", logging_steps=1,
            disable_tqdm=True, **how,
        )  # fmt: skip
        model = hf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16 if alone else torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        adapter = importlib.import_module("peft").LoraConfig(r=16, target_modules="all-linear") if lora else None
        trainer = trl.SFTTrainer(model, options, train_dataset=data, processing_class=tokenizer, peft_config=adapter)
        counted: list[dict[str, int]] = []
        collate: Any = trainer.data_collator

        def counting(examples: list[Any]) -> Any:
            made = collate(examples)
            counted.append({"tokens": int(made["attention_mask"].sum()), "padded": made["input_ids"].numel(),
                            "learnt": int((made["labels"] != -100).sum())})  # fmt: skip
            return made

        trainer.data_collator = counting
        marks = [(time.perf_counter(), time.process_time())]

        class Marking(hf.TrainerCallback):
            def on_log(self, *_: Any, **__: Any) -> None:  # after every step, when its loss is known
                marks.append((time.perf_counter(), time.process_time()))

        trainer.add_callback(Marking())
        trainer.train()
    warm = warm if torch.cuda.is_available() else 0
    micro = batch if alone else 1
    steps_counted = counted[warm * micro : steps * micro]  # the loader is a batch ahead
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if torch.cuda.is_available():
        memory = torch.cuda.max_memory_allocated()
    (begin, cpu), (end, cpu_end) = marks[warm], marks[steps]
    summed = {name: sum(each[name] for each in steps_counted) for name in ("tokens", "learnt", "padded")}
    return {
        "seconds": end - begin, "cpu_seconds": cpu_end - cpu, **summed, "loss": losses[-1], "memory": memory,
        "before": begin - marks[0][0],
    }  # fmt: skip


if __name__ == "__main__":
    main()
