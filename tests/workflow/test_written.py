"""A run of a model that writes tells what it forgot, and shows what it writes beside what the untuned model wrote."""

from pathlib import Path

import pytest

from tiny import TinyModels, write_jsonl
from workflow.helpers import QUICK, luthier, report

pytestmark = pytest.mark.slow
ASKED = ["my parcel is late", "the card was charged twice", "please send it back", "tracking says waiting"]


def test_forgetting_and_samples_are_told_in_the_report_on_the_page_and_on_the_screen(
    models: TinyModels, tmp_path: Path
) -> None:
    rows = [{"prompt": f"{ASKED[i % 4]} {i}", "completion": f"we look into {ASKED[i % 4]} today"} for i in range(24)]
    write_jsonl(tmp_path / "mine.jsonl", rows)
    said = [
        ({"role": "user", "content": f"hello {i}"}, {"role": "assistant", "content": "good day"}) for i in range(20)
    ]
    write_jsonl(tmp_path / "chat.jsonl", [{"messages": turns} for turns in said])
    (tmp_path / "general.txt").write_text("rivers run to the sea\nbread is baked at night\n" * 3, encoding="utf-8")
    words = ["train", "mine.jsonl", "data.mix={chat.jsonl: 0.25}", "data.general=general.txt", *QUICK,
             f"model={models.causal}", "task.samples=3", "task.max_new_tokens=40"]  # fmt: skip
    done = luthier(*words, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = report(tmp_path / "run")
    assert told["general"]["passages"] == 6 and told["general"]["text"] == "general.txt"
    assert told["general"]["untuned"]["value"] != told["general"]["tuned"]["value"]
    assert told["general"]["sentence"] in " ".join(done.stdout.split())
    assert len(told["samples"]["rows"]) == told["samples"]["answers"] == 3
    assert all(row["asked"].startswith("user: ") and row["untuned"] is not None for row in told["samples"]["rows"])
    assert {one["name"]: one["share"] for one in told["mixture"]} == {"chat.jsonl": 0.25, "mine.jsonl": 0.75}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert told["general"]["sentence"] in page and "What it writes" in page and "What it forgot" in page

    for general in ("nowhere.txt", "none"):
        done = luthier(*words, f"data.general={general}", "--out", general, cwd=tmp_path)
        assert (done.returncode == 0) is (general == "none")
    assert report(tmp_path / "none")["general"] is None


def test_a_task_that_does_not_go_on_from_texts_reads_no_general_text(models: TinyModels, tickets: Path) -> None:
    done = luthier("train", tickets, f"model={models.encoder}", f"data.general={tickets}")
    assert done.returncode == 2 and "data.general" in done.stderr
