"""python -m bench.choosing.models DATA [key=value …] [--rows N]

Does `luthier models` rank as tuning would? Measures the embedded model, the same make of model with its weights at
random, and counted words, and prints the scores. What tuning reaches stands in the README: hold the order against it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from luthier.candidates.rank import ROWS, rank_models
from luthier.config.settings import load_settings
from luthier.models.find import EMBEDDED, embedded_folder


def main() -> None:
    words = argparse.ArgumentParser("python -m bench.choosing.models", description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("settings", nargs="*", help="as for luthier train")
    words.add_argument("--rows", type=int, default=ROWS)
    asked = words.parse_args()
    settings = load_settings(None, asked.settings, {"data.train": str(asked.data)})
    with tempfile.TemporaryDirectory() as folder:
        blank = Path(folder) / "at-random"
        shutil.copytree(embedded_folder(), blank, ignore=shutil.ignore_patterns("*.safetensors"))
        found = rank_models(settings, [EMBEDDED, str(blank)], most_rows=asked.rows)
    print(f"{asked.data}: {found.rows:,} of {found.of:,} training rows, {found.seconds:.0f} s on {found.device}")
    for one in found.models:
        print(f"{Path(one.name).name}: {one.score}, LogME {one.known.logme:+.3f}")
    print(f"counted words: {found.words}")
    print(found.advice.sentence)


if __name__ == "__main__":
    main()
