"""What is kept on disk is whole, bounded, and safe to share."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from luthier import caching
from luthier.caching import Cache, NoRoom, key_of, open_cache


def put(cache: Cache, key: str, size: int = 100) -> None:
    with cache.adding(key, size, {"of": key}) as folder:
        (folder / "data.bin").write_bytes(b"x" * size)


def used_at(cache: Cache, key: str, seconds: float) -> None:
    os.utime(cache.folder / key, (seconds, seconds))


def test_what_was_added_is_found_again_with_its_facts(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10_000)
    assert cache.find("a") is None
    put(cache, "a")
    found = cache.find("a")
    assert found is not None and caching.read_facts(found)["of"] == "a"
    assert (found / "data.bin").read_bytes() == b"x" * 100


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 900)
    put(cache, "a", 300)
    put(cache, "b", 300)
    used_at(cache, "a", 1_000_000)
    used_at(cache, "b", 2_000_000)
    assert cache.find("a") is not None  # used now
    put(cache, "c", 300)
    assert cache.find("b") is None
    assert cache.find("a") is not None and cache.find("c") is not None
    assert cache.bytes_used() <= 900


def test_what_is_larger_than_the_cache_is_refused_and_throws_nothing_out(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000)
    put(cache, "a")
    with pytest.raises(NoRoom), cache.adding("b", 2_000, {}):
        raise AssertionError
    assert cache.find("a") is not None


def test_what_was_not_finished_is_never_found_and_goes_after_a_day(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000)
    with pytest.raises(KeyboardInterrupt), cache.adding("a", 10, {}) as folder:
        (folder / "data.bin").write_bytes(b"half")
        raise KeyboardInterrupt
    assert cache.find("a") is None
    killed = tmp_path / ".tmp-a-0123"
    killed.mkdir()
    put(cache, "b", 10)
    assert killed.is_dir()  # perhaps another process writes there just now
    os.utime(killed, (0, 0))
    put(cache, "c", 10)
    assert not killed.exists()


def test_a_file_that_was_cut_short_makes_its_entry_vanish(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000)
    put(cache, "a")
    (tmp_path / "a" / "data.bin").write_bytes(b"x")
    assert cache.find("a") is None and not (tmp_path / "a").exists()
    put(cache, "b")
    (tmp_path / "b" / caching.FACTS).write_text(json.dumps([]), encoding="utf-8")
    assert cache.find("b") is None


def test_of_two_processes_that_compute_the_same_the_first_is_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000)
    with cache.adding("a", 10, {"by": "slow"}) as slow:
        (slow / "data.bin").write_bytes(b"slow")
        put(Cache(tmp_path, 1_000), "a", 4)
    found = cache.find("a")
    assert found is not None and (found / "data.bin").read_bytes() == b"xxxx"
    with cache.adding("a", 10, {}) as unused:
        (unused / "data.bin").write_bytes(b"late")
    assert (found / "data.bin").read_bytes() == b"xxxx"
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".lock")] == ["a"]


def test_what_is_being_read_stays_readable_when_it_is_thrown_out(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 500)
    with cache.adding("a", 200, {}) as folder:
        np.save(folder / "values.npy", np.arange(10))
    values = np.load(tmp_path / "a" / "values.npy", mmap_mode="r")
    put(cache, "b", 300)
    assert cache.find("a") is None and values.sum() == 45


def test_a_key_hangs_on_every_fact_array_and_their_order() -> None:
    one, other = np.arange(4), np.arange(4, dtype=np.int32)
    keys = [
        key_of({"a": 1}, one), key_of({"a": 2}, one), key_of({"a": 1}, other), key_of({"a": 1}, one[::-1]),
        key_of({"a": 1}, one, one), key_of({"a": 1}, {"x": one}), key_of({"a": 1}, one.reshape(2, 2)),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key_of({"b": 1, "a": 2}, {"x": one, "y": other}) == key_of({"a": 2, "b": 1}, {"y": other, "x": one})


def test_the_folder_is_the_variables_else_the_users_and_0_bytes_are_no_cache(tmp_path: Path) -> None:
    named = open_cache(10, {caching.VARIABLE: str(tmp_path / "named")})
    usual = open_cache(10, {"XDG_CACHE_HOME": str(tmp_path / "xdg")})
    assert named is not None and named.folder == tmp_path / "named"
    assert usual is not None and usual.folder == tmp_path / "xdg" / "luthier"
    assert usual.folder.stat().st_mode & 0o077 == 0  # what it holds comes from the user's texts
    assert open_cache(0, {}) is None
    (tmp_path / "file").touch()
    assert open_cache(10, {caching.VARIABLE: str(tmp_path / "file")}) is None
