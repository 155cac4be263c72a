"""A process killed before any file operation of a save leaves an older or the new checkpoint whole, never half of one.

Each child is a fork that dies, without cleaning up, right before its n-th operation on the disk.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from luthier.files import sweep
from luthier.training.checkpoint import checkpoint_steps, newest_checkpoint
from training.test_checkpoint import save

_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate"}
_SURVIVED = 7


def die_before(operation: int, folder: Path, work: Callable[[], object]) -> bool:
    """Runs `work` in a fork that is gone right before its n-th operation inside `folder`. Whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def tick() -> None:
            nonlocal count
            count += 1
            if count == operation:
                os._exit(9)

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if event in _EVENTS and str(folder) in str(arguments[0]):
                tick()

        sync = os.fsync

        def counted_sync(handle: int) -> None:
            tick()
            sync(handle)

        os.fsync = counted_sync
        sys.addaudithook(watch)
        work()
        os._exit(_SURVIVED)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@pytest.mark.slow
def test_a_kill_before_any_operation_of_a_save_and_its_rotation_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    operation, killed = 0, True
    seen: set[int] = set()
    while killed:
        operation += 1
        folder = tmp_path / str(operation)
        save(folder, 1, 2, keep=2)
        killed = die_before(operation, folder, lambda folder=folder: save(folder, 3, keep=2))
        rejected: list = []
        found = newest_checkpoint(folder, rejected)
        assert found is not None and rejected == []
        seen.add(found[0].progress.step)
        assert 2 in checkpoint_steps(folder)  # the newest before is never removed first
        sweep(folder)
        save(folder, 3, keep=2)  # and the next save works
        assert checkpoint_steps(folder) == [2, 3]
    assert operation > 15 and seen == {2, 3}


@pytest.mark.parametrize("name", ["report.json"])
def test_a_kill_while_a_file_is_replaced_leaves_the_old_or_the_new(name: str, tmp_path: Path) -> None:
    from luthier.files import write_text

    operation, killed = 0, True
    while killed:
        operation += 1
        folder = tmp_path / str(operation)
        folder.mkdir()
        write_text(folder / name, "old " * 1000)
        killed = die_before(operation, folder, lambda folder=folder: write_text(folder / name, "new " * 1000))
        assert (folder / name).read_text(encoding="utf-8") in ("old " * 1000, "new " * 1000)
    assert operation > 3
