"""Data sets of the Hugging Face hub and of ModelScope: what is on this machine already, else a download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.errors import DataError, shown
from luthier.extras import has, need
from luthier.language import t
from luthier.reading.elsewhere.addresses import LateError, host_of, in_time, scheme_of

_WANTED = ["*.parquet", "*.csv", "*.tsv", "*.json", "*.jsonl", "*.txt", "*.arrow", "*.gz", "*.zip", "*.zst"]
_SCHEMES = ("hf", "huggingface", "modelscope", "ms")


def is_hub_address(named: str) -> bool:
    """hf://datasets/owner/name and modelscope://owner/name."""
    return scheme_of(named) in _SCHEMES


def hub_data(named: str) -> Path:
    """A folder, or the file where the address names one. named: an address, or owner/name for the Hugging Face hub.

    Errors: DataError where it is neither on this machine nor to be had.
    """
    rest = named.partition("://")[2] or named
    parts = [part for part in rest.split("/") if part not in ("", ".", "..")]
    if parts[:1] == ["datasets"]:
        parts = parts[1:]
    if len(parts) < 2:
        fix = t("write hf://datasets/owner/name or modelscope://owner/name")
        raise DataError.at(named, t("names no data set"), fix, code="no-such-file")
    name, inside = "/".join(parts[:2]), "/".join(parts[2:])
    folder = (_modelscope if scheme_of(named) in ("modelscope", "ms") else _hugging_face)(named, name, inside)
    path = folder / inside if inside else folder
    if not path.exists():
        what = t("the data set {name} has no file {file}", name=name, file=shown(inside))
        raise DataError.at(named, what, t("look at its list of files"), code="no-such-file")
    return path


def _hugging_face(named: str, name: str, inside: str) -> Path:
    hub: Any = need("huggingface_hub")
    settings: Any = need("huggingface_hub.constants")
    patterns = [inside, f"{inside}/*"] if inside else _WANTED
    name, _, revision = name.partition("@")

    def get(*, local: bool) -> Path:
        return Path(hub.snapshot_download(name, repo_type="dataset", revision=revision or None,
                                          allow_patterns=patterns, local_files_only=local,
                                          cache_dir=settings.HF_HUB_CACHE, endpoint=settings.ENDPOINT))  # fmt: skip

    try:
        return get(local=True)
    except Exception:
        pass  # not on this machine
    address = settings.ENDPOINT
    command = f"hf download --repo-type dataset {name} --local-dir {name.rpartition('/')[2]}"
    fix = t("where there is a network: {command}; then name that folder", command=command)
    if settings.HF_HUB_OFFLINE:
        what = t("is not on this machine, and HF_HUB_OFFLINE forbids to look further")
        raise DataError.at(named, what, fix, code="unreachable")
    try:
        in_time(lambda _: hub.HfApi(endpoint=address).dataset_info(name, timeout=4.0))
        return get(local=False)
    except LateError:
        reason = t("no answer in time")
    except Exception as error:
        if type(error).__name__ in ("RepositoryNotFoundError", "GatedRepoError", "RevisionNotFoundError"):
            what = t("{host} has no such data set, or does not show it to you", host=host_of(address))
            raise DataError.at(
                named, what, t("check the name; for a private one: hf auth login"), code="no-such-file"
            ) from None
        reason = _reason(error)
    what = t("is no path here, and {host} cannot be reached: {reason}", host=host_of(address), reason=reason)
    raise DataError.at(named, what, fix, code="unreachable")


def _modelscope(named: str, name: str, inside: str) -> Path:
    if not has("modelscope"):
        what = t("{module} is not installed, which '{scheme}' addresses need", module="modelscope", scheme="modelscope")
        raise DataError.at(named, what, "pip install modelscope", code="missing-extra")
    from modelscope.hub.snapshot_download import dataset_snapshot_download  # pyright: ignore[reportMissingImports]

    command = f"modelscope download --dataset {name} --local_dir {name.rpartition('/')[2]}"
    fix = t("where there is a network: {command}; then name that folder", command=command)
    options = {"allow_file_pattern": [inside, f"{inside}/*"] if inside else _WANTED}
    try:
        return Path(dataset_snapshot_download(name, local_files_only=True, **options))
    except Exception:
        pass  # not on this machine
    try:
        _answers("www.modelscope.cn")
        return Path(dataset_snapshot_download(name, **options))
    except LateError:
        reason = t("no answer in time")
    except Exception as error:
        reason = _reason(error)
    what = t("is no path here, and {host} cannot be reached: {reason}", host="www.modelscope.cn", reason=reason)
    raise DataError.at(named, what, fix, code="unreachable")


def _answers(host: str) -> None:
    """Errors: LateError or OSError where nobody listens there."""
    import socket

    in_time(lambda _: socket.create_connection((host, 443), timeout=4.0).close())


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return shown(lines[0] if lines else type(error).__name__, 100)
