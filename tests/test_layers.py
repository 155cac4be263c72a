"""A file imports only from floors below its own; a lazy import inside a function counts as well."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "luthier"
FLOORS = [
    ["language"],
    ["errors", "progress"],
    ["types", "files", "extras", "runtime"],
    ["caching", "weights"],
    ["seen", "objective", "saved"],
    ["graphed", "media.*"],
    ["formats.*", "text.*"],
    ["metrics.*", "claims"],
    ["answering.*", "tagging.*", "chat.*"],
    ["data.*", "reading.*"],
    ["splitting.*"],
    ["balancing.label_thresholds", "calibrating.temperature"],
    ["balancing.remedy", "balancing.remedies", "balancing.sampling", "balancing.loss", "balancing.thresholds"],
    ["doctor.*", "fixing.*"],
    ["models.*"],
    ["writing.*"],
    ["augmenting.safety", "batching"],
    ["augmenting.*"],
    ["deciding"],
    ["task", "tuning.parts"],
    ["whole_text"],
    ["parts.*"],
    ["evaluation.one_vs_rest"],
    ["evaluation.intervals", "evaluation.evaluate", "evaluation.linear", "evaluation.baselines"],
    ["searching.*", "writer"],
    ["chooser", "pretraining.*"],
    ["codec", "tuning.*"],
    ["tasks.*"],
    ["catalog"],
    ["training.*", "inference.*"],
    ["evaluation.*"],
    ["balancing.heads", "balancing.compare", "balancing.decide", "calibrating.*"],
    ["config.*"],
    ["beginnings"],
    ["preparing.*", "defaults", "identity", "runfolder"],
    ["probing", "fit", "general_text", "looks", "making.*", "distilling.*", "pictured"],
    ["augmentation"],
    ["ready", "trial", "teachable", "tracking"],
    [f"planning.reckoning.{name}" for name in ("course", "kept", "memory", "estimate")],
    ["exporting.*"],
    ["explaining.*", "recording.*"],
    ["report.*", "production.*", "draft", "announce"],
    ["drifting.*"],
    ["finish", "assess", "checkup", "pooled", "balancing.choose"],
    ["run", "fixup"],
    ["registry", "several"],
    ["alone", "seeds"],
    ["studies.*"],
    ["folds", "choosing.*", "comparing.*", "planning.*"],
    ["candidates.*", "strategies.*", "relearning.*"],
    ["api", "demo"],
    ["workbench.*"],
    ["cli.*"],
    ["__main__"],
]
WITHIN = {
    "answering",
    "parts",
    "augmenting",
    "media",
    "tasks",
    "balancing",
    "calibrating",
    "data",
    "reading",
    "splitting",
    "formats",
    "doctor",
    "preparing",
    "fixing",
    "metrics",
    "models",
    "text",
    "training",
    "inference",
    "evaluation",
    "config",
    "report",
    "choosing",
    "studies",
    "comparing",
    "planning",
    "candidates",
    "cli",
    "tuning",
    "tagging",
    "production",
    "searching",
    "chat",
    "writing",
    "making",
    "distilling",
    "pretraining",
    "strategies",
    "exporting",
    "workbench",
    "explaining",
    "recording",
    "drifting",
    "relearning",
}
"""Folders whose files may import each other, downwards and never in a circle."""


def names(path: Path) -> str:
    parts = list(path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor(module: str) -> int:
    folder = module.partition(".")[0] + ".*"
    exact = [number for number, rooms in enumerate(FLOORS) if module in rooms]
    found = exact or [number for number, rooms in enumerate(FLOORS) if folder in rooms]
    assert found, f"{module} has no floor: add it to FLOORS"
    return found[0]


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "luthier":
            inside = (node.module or "").removeprefix("luthier").removeprefix(".")
            below = [f"{inside}.{alias.name}".strip(".") for alias in node.names]
            found |= {name if exists(name) else inside for name in below}
    return frozenset(found - {""})


@cache
def exists(module: str) -> bool:
    path = SOURCE.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if names(path)]


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_a_file_imports_only_from_lower_floors(path: Path) -> None:
    here = names(path)
    for there in imports(path):
        same_folder = here.partition(".")[0] == there.partition(".")[0] and here.partition(".")[0] in WITHIN
        assert floor(there) < floor(here) or same_folder, f"{here} imports {there}"


def test_files_of_a_folder_import_each_other_in_no_circle() -> None:
    graph = {names(path): imports(path) for path in MODULES}
    followed: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " → ".join([*above, module])
        if module not in followed:
            for there in graph.get(module, ()):
                visit(there, (*above, module))
            followed.add(module)

    for module in graph:
        visit(module, ())


def test_what_serves_imports_nothing_that_trains() -> None:
    served = [path for path in MODULES if names(path).startswith(("inference.", "production.", "codec", "tasks."))]
    for path in served:
        assert not [there for there in imports(path) if there.partition(".")[0] in ("training", "fit", "run")], names(
            path
        )


@pytest.mark.parametrize("module", ["luthier", "luthier.cli.main"])
def test_the_doors_are_light(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    loaded = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "numpy", "pydantic", "rich.console"} & set(loaded.stdout.split())


def test_no_file_is_long_and_no_folder_holds_two_ideas() -> None:
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 320, path
    for folder in {path.parent for path in MODULES} - {SOURCE}:
        assert len([p for p in folder.glob("*.py") if p.name != "__init__.py"]) <= 11, folder
