"""python -m bench.language.sft ROWS.jsonl [SETTING …] [--model FOLDER] [--peer PYTHON] [--steps N] [--pairs N]

Instruction tuning by Luthier and by TRL's SFTTrainer, of the same model on the same rows, answers only, one after the
other in turn, each in a process of its own. With no model, one of --shape with random weights and a tokenizer trained
on the rows; without either a Llama of 6 layers of 384. --peer: a Python that has trl; without it only Luthier runs.
--lora: rank 16 on every linear layer, in place of all weights. SETTING: of Luthier's runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.language.model import SHAPES, write_model

HERE = Path(__file__).parent
WARM = 2
"""Steps that are not counted on a GPU: kernels are made in them."""
TITLES = {
    "luthier": "Luthier",
    "tuned": "SFTTrainer, grouped by length, no checkpointing, bf16, fused AdamW",
    "default": "SFTTrainer as it comes",
}


class OutOfMemoryError(Exception):
    """Of a peer that does not fit into the GPU."""


def main() -> None:
    words = _parser().parse_intermixed_args()
    with tempfile.TemporaryDirectory() as place:
        rows = _messages(words.rows_file, words.rows, Path(place) / "rows.jsonl")
        texts = [
            turn["content"] for line in rows.read_text("utf-8").splitlines() for turn in json.loads(line)["messages"]
        ]
        model = words.model or write_model(Path(place) / "model", texts, words.vocabulary, words.shape)
        systems = list(TITLES) if words.peer else ["luthier"]
        found: dict[str, list[dict[str, Any]]] = {system: [] for system in systems}
        failed: set[str] = set()
        for pair in range(words.pairs):
            for system in systems if pair % 2 == 0 else systems[::-1]:  # so that a drift of the machine cancels
                if system in failed:
                    continue
                # the default is slow: it makes a quarter of the steps, and its speed is what is compared
                steps = max(WARM + 2, words.steps // 4) if system == "default" else words.steps
                try:
                    said = _run(system, model, rows, steps, words)
                except OutOfMemoryError as error:
                    failed.add(system)
                    print(f"{system} ran out of memory: {error}", flush=True)
                    continue
                found[system].append(said)
                speed = said["tokens"] / said["seconds"]
                print(f"{pair + 1}/{words.pairs} {system}: {speed:,.0f} tokens/s, loss {said['loss']:.3f}, "
                      f"{said['before']:.0f} s before what is counted", flush=True)  # fmt: skip
    print(_table(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.language.sft", description=__doc__)
    parser.add_argument("rows_file", type=Path, metavar="ROWS.jsonl", help="messages, or instruction, input and output")
    parser.add_argument("settings", nargs="*", help="of Luthier's runs, such as train.packing=false")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--shape", choices=list(SHAPES), default="small")
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--peer", help="a Python that has trl")
    parser.add_argument(
        "--rows", type=int, default=3000, help="from which steps are formed: groups by length need many"
    )
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=512, help="tokens of the longest row")
    parser.add_argument("--vocabulary", type=int, default=16000, help="of the tokenizer that is trained on the rows")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def _messages(file: Path, count: int, out: Path) -> Path:
    """The first rows that have an answer, as messages."""
    text = file.read_text(encoding="utf-8")
    rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    made: list[Any] = []
    for row in rows:
        turns = row.get("messages")
        if turns is None:
            asked = "\n\n".join(row[name] for name in ("prompt", "instruction", "input") if row.get(name))
            said = row.get("completion") or row.get("output") or ""
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        if turns[-1]["role"] == "assistant" and turns[-1]["content"].strip():
            made.append({"messages": turns})
    out.write_text("".join(json.dumps(row) + "\n" for row in made[:count]), encoding="utf-8")
    return out


def _run(system: str, model: Path, rows: Path, steps: int, words: argparse.Namespace) -> dict[str, Any]:
    common = [str(model), str(rows), str(words.batch), str(words.length), str(steps), str(WARM)]
    if system == "luthier":
        lora = ["tuning.method=lora", "tuning.r=16", "tuning.dropout=0.0"] if words.lora else []
        command = [sys.executable, "-m", "bench.language.one", *common, *lora, *words.settings]
    else:
        command = [words.peer, str(HERE / "peer.py"), system + "-lora" * words.lora, *common]
    threads = {"OMP_NUM_THREADS": str(words.threads), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads})
    if done.returncode and system != "luthier" and "out of memory" in done.stderr:
        raise OutOfMemoryError(done.stderr.strip().splitlines()[-1][:200])
    if done.returncode:
        raise SystemExit(f"{system} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _table(found: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "| system | real tokens/s | learnt tokens/s | real tokens a CPU second | Luthier is faster by | real/padded "
        "| peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for system, runs in found.items():
        if not runs:
            lines.append(f"| {TITLES[system]} | out of memory |")
            continue
        ratios = [_rate(own, "tokens") / _rate(run, "tokens") for own, run in zip(found["luthier"], runs, strict=False)]
        padding = statistics.median(run["tokens"] / run["padded"] for run in runs)
        memory = statistics.median(run["memory"] for run in runs) / 2**30
        speeds = [_spread([_rate(run, kind) for run in runs], ",.0f") for kind in ("tokens", "learnt")]
        cpu = _spread([run["tokens"] / run["cpu_seconds"] for run in runs], ",.0f")
        cells = (TITLES[system], *speeds, cpu, f"{_spread(ratios, '.2f')}×", f"{padding:.2f}", f"{memory:.2f} GiB")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rate(run: dict[str, Any], kind: str) -> float:
    return run[kind] / run["seconds"]


def _spread(values: list[float], form: str) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}} – {high:{form}})"


if __name__ == "__main__":
    main()
