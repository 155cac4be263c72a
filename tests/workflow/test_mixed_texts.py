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


@pytest.mark.parametrize("kind", ["plain", "masked"])
def test_what_pretraining_forgets_is_told_in_the_tasks_own_way(models: TinyModels, tmp_path: Path, kind: str) -> None:
    lines = [" ".join(rest) for rest in permutations(WORDS, 5)][::50]
    (tmp_path / "mine.txt").write_text("\n".join(lines), encoding="utf-8")
    words = ["train", "mine.txt", "task.name=pretrain", "data.documents=line", *QUICK, "train.max_length=32",
             f"model={getattr(models, kind)}", "data.split.near_duplicates=false"]  # fmt: skip
    done = luthier(*words, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = report(tmp_path / "run")["general"]
    assert told["text"] == "general_en.txt" and told["passages"] == 40
    least, most = (5000, 50_000) if kind == "plain" else (500, 3000)  # of a model that fills gaps the hidden ones
    assert least < told["tokens"] < most
    assert told["untuned"]["value"] != told["tuned"]["value"]
