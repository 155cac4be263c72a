"""Files behind an address (http, s3, gs, hdfs …), fetched to this machine before they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.errors import DataError, LuthierError, did_you_mean, shown, without_secrets
from luthier.extras import need
from luthier.files import size_text
from luthier.language import t
from luthier.reading.elsewhere.addresses import LateError, Watch, file_name, host_of, in_time, scheme_of

_DRIVERS = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs", "az": "adlfs",
    "oss": "ossfs", "hdfs": "pyarrow", "sftp": "paramiko", "ssh": "paramiko", "smb": "smbprotocol",
    "http": "aiohttp", "https": "aiohttp",
}  # fmt: skip
"""What must be installed beside fsspec."""
_NOT_REMOTE = {
    "memory",
    "data",
    "dir",
    "local",
    "file",
    "cached",
    "blockcache",
    "filecache",
    "simplecache",
    "reference",
}


class _TooLargeError(Exception):
    pass


def fetch(address: str, folder: Path, most: int) -> Path:
    """A copy in the folder. most: bytes. Errors: DataError naming the scheme and the host."""
    fsspec: Any = need("fsspec")
    from fsspec.callbacks import Callback

    scheme, said = scheme_of(address), without_secrets(address)
    known = set(fsspec.available_protocols()) - _NOT_REMOTE
    if scheme not in known:
        what = t("'{scheme}' is no kind of address that can be read", scheme=scheme)
        raise DataError.at(said, what, did_you_mean(scheme, known & _DRIVERS.keys()), code="unknown-scheme")
    target = folder / file_name(address)

    def get(watch: Watch) -> None:
        class Counter(Callback):
            def set_size(self, size: int | None) -> None:
                if size is not None and size > most:
                    raise _TooLargeError
                super().set_size(size)

            def relative_update(self, inc: int = 1) -> None:
                watch.hear()
                super().relative_update(inc)
                if self.value > most:
                    raise _TooLargeError

        options = {"client_kwargs": {"trust_env": True}} if scheme in ("http", "https") else {}
        system, path = fsspec.core.url_to_fs(address, skip_instance_cache=True, **options)
        system.get_file(path, str(target), callback=Counter())

    try:
        in_time(get)
    except Exception as error:
        raise _refusal(error, said, scheme, most) from None
    return target


def _refusal(error: Exception, said: str, scheme: str, most: int) -> LuthierError:
    host = host_of(said)
    elsewhere = t("fetch the file where there is a network, and name the file")
    if isinstance(error, LateError):
        what = t("no answer from {host} ({scheme}) in time", host=host, scheme=scheme)
        return DataError.at(said, what, elsewhere, code="unreachable")
    if isinstance(error, _TooLargeError):
        fix = t("if that is right, allow more: data.max_bytes=…")
        return DataError.at(said, t("is larger than {size}", size=size_text(most)), fix, code="too-large")
    if isinstance(error, FileNotFoundError):
        what = t("{host} has no such file", host=host)
        return DataError.at(said, what, t("check the address"), code="no-such-file")
    if isinstance(error, (ImportError, ModuleNotFoundError)):
        driver = _DRIVERS.get(scheme, scheme)
        what = t("{module} is not installed, which '{scheme}' addresses need", module=driver, scheme=scheme)
        return DataError.at(said, what, f"pip install {driver}", code="missing-extra")
    if isinstance(error, PermissionError):
        what = t("{host} does not let you read it ({reason})", host=host, reason=_reason(error))
        return DataError.at(said, what, t("log in, or check the key"), code="no-permission")
    what = t("{host} ({scheme}) cannot be reached: {reason}", host=host, scheme=scheme, reason=_reason(error))
    return DataError.at(said, what, elsewhere, code="unreachable")


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return shown(lines[0] if lines else type(error).__name__, 100)
