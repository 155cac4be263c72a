"""metrics.jsonl loses no line and doubles none; a disk that fails it stops nothing."""

from pathlib import Path

from luthier.training.journal import Journal, read_journal


def test_a_resume_cuts_it_back_to_what_the_checkpoint_knew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = Journal(path, 0, print)
    first.open_at()
    first.add({"step": 1})
    known = first.length
    first.add({"step": 2})
    again = Journal(path, known, print)
    again.open_at()
    again.add({"step": 2, "again": True})
    assert read_journal(path) == [{"step": 1}, {"step": 2, "again": True}]


def test_a_line_that_cannot_be_written_is_told_once_and_training_goes_on(tmp_path: Path) -> None:
    told: list[str] = []
    journal = Journal(tmp_path / "gone" / "metrics.jsonl", 0, told.append)
    journal.add({"step": 1})
    journal.add({"step": 2})
    assert len(told) == 1 and "training goes on" in told[0]


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"step": 1}\n{"st', encoding="utf-8")
    assert read_journal(tmp_path / "m.jsonl") == [{"step": 1}]
