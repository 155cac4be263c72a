"""A file or folder appears whole or not at all."""

import errno
import json
import os
from pathlib import Path

import pytest

from luthier.errors import StoppedError
from luthier.files import (
    MANIFEST,
    Damaged,
    disk_trouble,
    open_sealed,
    remove_folder,
    size_text,
    sweep,
    whole_file,
    whole_folder,
    write_text,
)


def seal(folder: Path) -> Path:
    with whole_folder(folder, {"run_id": "abc"}) as temporary:
        (temporary / "one.txt").write_text("one", encoding="utf-8")
        (temporary / "two.txt").write_text("two", encoding="utf-8")
    return folder


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "model") as temporary:
        (temporary / "weights").write_text("half", encoding="utf-8")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "model"):
        pass


def test_a_sealed_folder_gives_its_facts_back(tmp_path: Path) -> None:
    assert open_sealed(seal(tmp_path / "c")) == {"run_id": "abc"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "one.txt").unlink(),
        lambda folder: (folder / "one.txt").write_bytes(b""),
        lambda folder: (folder / "one.txt").write_bytes(b"onE"),
        lambda folder: (folder / "one.txt").write_bytes(b"one more"),
        lambda folder: (folder / "three.txt").write_bytes(b"three"),
        lambda folder: (folder / "one.txt").replace(folder / "two.txt"),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / MANIFEST).write_bytes(b"\x00" * 400),
        lambda folder: (folder / MANIFEST).write_text("[]", encoding="utf-8"),
        lambda folder: edit(folder / MANIFEST, lambda m: m["facts"].update(run_id="other")),
        lambda folder: edit(folder / MANIFEST, lambda m: m["files"]["one.txt"].update(size=4)),
        lambda folder: edit(folder / MANIFEST, lambda m: m.pop("files")),
        lambda folder: edit(folder / MANIFEST, lambda m: m.update(format=2)),
    ],
)
def test_every_damage_to_a_sealed_folder_is_noticed(damage, tmp_path: Path) -> None:
    folder = seal(tmp_path / "c")
    damage(folder)
    with pytest.raises(Damaged):
        open_sealed(folder)


def edit(path: Path, change) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_what_a_killed_process_left_is_swept_and_named(tmp_path: Path) -> None:
    seal(tmp_path / "checkpoint-1")
    (tmp_path / ".tmp-checkpoint-2-abcd").mkdir()
    (tmp_path / ".trash-checkpoint-0-abcd").mkdir()
    (tmp_path / ".tmp-1234-report.json").write_text("half", encoding="utf-8")
    assert len(sweep(tmp_path)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_a_removed_folder_is_gone_whole(tmp_path: Path) -> None:
    remove_folder(seal(tmp_path / "c"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS])
def test_a_disk_that_fails_stops_with_exit_code_3_and_what_is_free(number: int, tmp_path: Path) -> None:
    with pytest.raises(StoppedError) as caught, disk_trouble(tmp_path, needed=10):
        raise OSError(number, os.strerror(number))
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert str(tmp_path) in message and os.strerror(number) in message and "--resume" in message
    assert "needed 10 B" in message and "free" in message


def test_more_than_is_free_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="needed"), disk_trouble(tmp_path, needed=2**60):
        raise AssertionError("the block ran")


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size_text(n) for n in (12, 2048, 3 * 2**20, 5 * 2**30)] == ["12 B", "2.0 KiB", "3.0 MiB", "5.0 GiB"]
