"""python -m bench [TRAIN TEST] [--label NAME] [--pairs N] [--epochs N] [--share S] [--full] [--out FILE]

Compares full fine-tuning of the embedded model by Luthier with a textbook loop and with Hugging Face's Trainer, one
after the other in turn, each in a process of its own, and writes a table to bench/RESULTS.md. With no files it takes
the embedded tickets.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SYSTEMS = ("luthier", "trainer_tuned", "trainer_default", "textbook")
SLOW = ("trainer_default", "textbook")
SLOW_PAIRS = 3
"""How often the padded ones run: their distance is so large that noise hardly matters."""
TITLES = {
    "luthier": "Luthier",
    "trainer_tuned": "Trainer, tuned (dynamic padding, grouped by length, bf16, fused AdamW)",
    "trainer_default": "Trainer, default (as its example scripts: padded to 128, fp32)",
    "textbook": "textbook loop (padded to 128, fp32)",
}


def main() -> None:
    words = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train, test, label = _data(words, Path(folder))
        rows: dict[str, list[dict[str, float]]] = {system: [] for system in SYSTEMS}
        begin = time.monotonic()
        for pair in range(words.pairs):
            for system in SYSTEMS if pair % 2 == 0 else SYSTEMS[::-1]:  # so that a drift of the machine cancels
                if system in SLOW and pair >= SLOW_PAIRS:
                    continue
                # the slow ones see a part of the rows, unless asked otherwise: their speed is what is compared
                share = words.share if system in SLOW and not words.full else 1.0
                rows[system].append(_run(system, train, test, label, words.epochs, pair, share))
                said = rows[system][-1]
                print(f"{pair + 1}/{words.pairs} {system}: {said['tokens_per_second']:,.0f} tokens/s", flush=True)
    text = _table(rows, words, train, time.monotonic() - begin, judged=test != train)
    words.out.write_text(text, encoding="utf-8")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("train", nargs="?", type=Path, help="a CSV file with the columns text and a label")
    parser.add_argument("test", nargs="?", type=Path, help="another, to judge on")
    parser.add_argument("--label", default="label")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.1, help="of the rows that the padded peers train on")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="where the table goes")
    parser.add_argument("--full", action="store_true", help="peers train on all rows, so that quality compares too")
    return parser


def _data(words: argparse.Namespace, folder: Path) -> tuple[Path, Path, str]:
    if words.train is not None:
        return words.train, words.test or words.train, words.label
    from luthier.demo import write_demo_data

    write_demo_data(folder)
    return folder / "tickets_en.csv", folder / "tickets_en.csv", "intent"


def _run(system: str, train: Path, test: Path, label: str, epochs: int, seed: int, share: float) -> dict[str, float]:
    words = [system, train, test, label, epochs, seed, share]
    command = [sys.executable, str(HERE / "one.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{system} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _table(
    rows: dict[str, list[dict[str, float]]], words: argparse.Namespace, train: Path, seconds: float, *, judged: bool
) -> str:
    import torch
    import transformers

    import luthier

    own = [row["tokens_per_second"] for row in rows["luthier"]]
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, luthier {luthier.__version__}"
    lines = [
        "# Results",
        "",
        f"`python -m bench {' '.join(sys.argv[1:])}`: full fine-tuning of all-MiniLM-L6-v2 (6 layers of 384), "
        f"batch 32, {words.epochs} epoch(s) of {train.name}, {words.pairs} runs of each system in turn "
        f"(of the padded ones {min(words.pairs, SLOW_PAIRS)}), "
        f"{seconds / 60:.0f} minutes.",
        "",
        f"Machine: {_processor()}, {torch.get_num_threads()} threads. {versions}, Python {platform.python_version()}.",
        "",
        "| system | real tokens/s, median (range) | Luthier is faster by, median (range) | real/padded | accuracy |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for system in SYSTEMS:
        speed = [row["tokens_per_second"] for row in rows[system]]
        ratios = [a / b for a, b in zip(own, speed, strict=False)]
        padding = statistics.median(row["real_to_padded"] for row in rows[system])
        quality = statistics.mean(row["accuracy"] for row in rows[system])
        known = judged and (system not in SLOW or words.full)
        accuracy = f"{quality:.3f}" if known else "–"
        cells = (TITLES[system], _spread(speed, ",.0f"), f"{_spread(ratios, '.2f')}×", f"{padding:.2f}", accuracy)
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Real tokens: padding is never counted. The time is that of the training loop alone, tokenising and evaluation "
        "excluded for every system. Every run is a process of its own. "
        "Accuracy stands where there is a test file and a system trained on all rows; the padded ones train on a part "
        "(--share), which does not change their speed.",
    ]
    return "\n".join(lines) + "\n"


def _spread(values: list[float], form: str) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}} – {high:{form}})"


def _processor() -> str:
    from luthier.runtime import cpu_name

    return cpu_name() or platform.processor()


if __name__ == "__main__":
    main()
