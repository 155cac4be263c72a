"""python -m bench.choosing.distil TRAIN TEST [--rows 4000] [--layers 3] [--label NAME] [--out FOLDER]
[--student SETTING …] [key=value …]

A teacher tuned with Luthier's defaults, and a student of so many of its layers taught by it; beside them the same few
layers of the pretrained model, tuned on the same rows without a teacher. All are judged on TEST. Prints a table: the
main score, what share of the teacher's it is, texts a second, parameters.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.understanding.runs import luthier_run, part


def main() -> None:
    words = _parser().parse_intermixed_args()
    with tempfile.TemporaryDirectory() as place:
        folder = words.out or Path(place)
        train = part(words.train, folder, words.rows, seed=0)
        own = [f"data.train={train}", f"data.test={words.test}", f"data.columns.label={words.label}"]
        own += ["data.bad_rows=skip", *words.settings]
        teacher = luthier_run(own, words.seed, folder / "teacher")
        taught = [*own, f"distil.teacher={folder / 'teacher'}", f"distil.layers={words.layers}", *words.student]
        student = luthier_run(taught, words.seed, folder / "student")
        alone = luthier_run([*own, f"model={_shortened(folder, words.layers)}"], words.seed, folder / "alone")
    print(_table(teacher, student, alone, words.layers))
    print(f"\n{student['distillation']['sentence']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.choosing.distil", description=__doc__)
    parser.add_argument("train", type=Path, help="a CSV file with the columns text and a label")
    parser.add_argument("test", type=Path)
    parser.add_argument("settings", nargs="*", help="of all runs, such as train.epochs=2")
    parser.add_argument("--label", default="label")
    parser.add_argument("--rows", type=int, default=4000, help="of TRAIN that are drawn")
    parser.add_argument("--layers", type=int, default=3, help="of the student")
    parser.add_argument("--student", action="append", default=[], metavar="SETTING",
                        help="of the student alone, such as distil.unlabelled=more.csv")  # fmt: skip
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, help="keep the runs here; finished ones are not run again")
    return parser


def _shortened(folder: Path, layers: int) -> Path:
    """The pretrained model with the layers that the student's come from."""
    from luthier.distilling.shorten import shortened
    from luthier.models.find import embedded_folder
    from luthier.models.load import load_model, load_tokenizer

    target = folder / "pretrained"
    if not target.is_dir():
        loaded = load_model(embedded_folder(), "AutoModel", {}, seed=0, device="cpu")
        shortened(loaded, layers).model.save_pretrained(str(target))
        load_tokenizer(embedded_folder()).wrapped.save_pretrained(str(target))
    return target


def _table(teacher: Any, student: Any, alone: Any, layers: int) -> str:
    beside, best = student["distillation"], teacher["scores"][0]["value"]
    named: Sequence[tuple[str, Any, Any, Any]] = (
        ("teacher", teacher, beside["texts_per_second"]["teacher"], beside["parameters"]["teacher"]),
        (f"student, {layers} layers of it", student, beside["texts_per_second"]["student"],
         beside["parameters"]["student"]),
        (f"{layers} pretrained layers, no teacher", alone, None, beside["parameters"]["student"]),
    )  # fmt: skip
    lines = [f"`python -m bench.choosing.distil {' '.join(sys.argv[1:])}`", ""]
    lines += [f"| model | {teacher['scores'][0]['name']} | of the teacher's | texts/s | parameters | training, s |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, report, speed, parameters in named:
        score = report["scores"][0]
        value = f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"
        told = f"{speed:,.0f}" if speed else "–"
        lines.append(f"| {name} | {value} | {score['value'] / best:.1%} | {told} | {parameters:,} | "
                     f"{report['train_seconds']:.0f} |")  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
