import csv
from pathlib import Path
from typing import Any

import pytest

from luthier.report.judging.seeds import OneSeed, seeds_story


def seed(folder: Path, number: int, test: float, validation: float | None, said: list[str]) -> OneSeed:
    """A seed whose model says this to four rows; the baseline without a look at them has 0.4."""
    path = folder / f"{number}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "text", "answer", "label", "score"])
        writer.writerows(
            [i, "t", answer, label, i / 10] for i, (answer, label) in enumerate(zip("abab", said, strict=True))
        )
    scores = [{"name": "accuracy", "value": test, "low": 0.0, "high": 1.0, "n": 4, "higher_is_better": True}]
    history: list[dict[str, Any]] = [{"step": 1, "loss": 2.0}, {"step": 1, "validation": {"accuracy": 0.0}}]
    if validation is not None:
        history.append({"step": 2, "validation": {"accuracy": validation, "loss": 1.0}})
    report = {
        "scores": scores,
        "history": history,
        "steps": {"best": 2},
        "baselines": {"majority": [{**scores[0], "value": 0.4}]},
        "verdict": {"baseline": "tfidf", "difference": test - 0.6},
        "seconds": 1.0,
    }
    return OneSeed(number, f"seeds/seed-{number}", report, path)


def test_the_kept_seed_is_the_best_on_validation_even_where_another_is_better_on_the_test(tmp_path: Path) -> None:
    story = seeds_story([seed(tmp_path, 1, 0.9, 0.5, list("abab")), seed(tmp_path, 2, 0.7, 0.8, list("abab"))])
    assert (story["chosen"], story["chosen_by"]) == (2, "validation")
    assert "Seed 2 is kept, the best on validation (accuracy 0.800)" in story["sentence"]


def test_without_validation_rows_the_first_is_kept_and_not_the_best_of_the_test(tmp_path: Path) -> None:
    story = seeds_story([seed(tmp_path, 1, 0.5, None, list("abab")), seed(tmp_path, 2, 0.9, None, list("abab"))])
    assert (story["chosen"], story["chosen_by"]) == (1, "first")
    assert "no validation rows to choose by" in story["sentence"]


def test_the_spread_is_mean_standard_deviation_and_reach(tmp_path: Path) -> None:
    story = seeds_story([seed(tmp_path, i, value, value, list("abab")) for i, value in enumerate((0.5, 0.7, 0.9))])
    (row,) = story["over_seeds"]
    assert row == {"name": "accuracy", "mean": pytest.approx(0.7), "sd": pytest.approx(0.2), "min": 0.5, "max": 0.9}
    assert story["ahead"] == 2 and story["without_collapsed"] == []
    assert "3 seeds: accuracy 0.700 ± 0.200 (mean and standard deviation), 0.500 to 0.900." in story["sentence"]


def test_a_seed_that_says_the_same_to_every_row_has_collapsed(tmp_path: Path) -> None:
    seeds = [seed(tmp_path, i, 0.8, 0.8, list("abab")) for i in (1, 2)]
    story = seeds_story([*seeds, seed(tmp_path, 3, 0.5, 0.5, list("aaaa"))])
    assert [row["collapsed"] for row in story["runs"]] == ["", "", "constant"]
    assert story["without_collapsed"][0]["mean"] == pytest.approx(0.8)
    assert "Seed 3 collapsed: the same answer to every row." in story["sentence"]
    assert "The others alone: 0.800 ± 0.000." in story["sentence"]


def test_a_seed_no_better_than_always_the_same_answer_has_collapsed(tmp_path: Path) -> None:
    story = seeds_story([seed(tmp_path, 1, 0.8, 0.8, list("abab")), seed(tmp_path, 2, 0.4, 0.4, list("abba"))])
    assert [row["collapsed"] for row in story["runs"]] == ["", "majority"]
