"""Plain texts of several sets are joined within their own set, so that a set's share is that of what is shown."""

from itertools import permutations
from pathlib import Path

import pytest

from tiny import TinyModels
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow
WORDS = ["parcel", "late", "courier", "money", "voucher", "depot", "please", "again"]


def test_blocks_are_of_one_set_each_and_are_shown_in_shares(models: TinyModels, tmp_path: Path) -> None:
    lines = [" ".join([word, *rest]) for word, rest in zip(WORDS * 20, permutations(WORDS, 5), strict=False)]
    (tmp_path / "mine.txt").write_text("\n".join(lines[:60]), encoding="utf-8")
    (tmp_path / "general.txt").write_text("\n".join(lines[60:]), encoding="utf-8")
    words = ["train", "mine.txt", "task.name=pretrain", "data.documents=line", "data.mix={general.txt: 0.5}", *QUICK,
             f"model={models.plain}", "train.max_length=32", "data.split.near_duplicates=false", "data.split.test=0.2",
             "data.general=none"]  # fmt: skip
    done = luthier(*words, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sets = report(tmp_path / "run")["mixture"]
    assert [one["share"] for one in sets] == [0.5, 0.5]
    assert sets[0]["epoch"] == sets[1]["epoch"] and sets[0]["shown"] == sets[1]["shown"] == 3 * sets[0]["epoch"]
