"""The page in a real browser: from a file to a model that is handed over, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workbench.browsing import Browser, page
from workbench.story import SETTINGS, Story, after_a_new_start, before_training

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("ui")
    (home / "model").symlink_to(models.encoder)
    write_csv(home / "tickets.csv", ["text", "label"], [*ticket_rows(60), ticket_rows(60)[0]])
    write_csv(home / "工单.csv", ["text", "label"], ticket_rows(60, seed=1))
    told = Story(home)
    browser = Browser("zh-CN", home / "profile")
    try:
        with page(home) as opened:
            before_training(told, browser, opened)
        with page(home) as opened:
            after_a_new_start(told, browser, opened)
    finally:
        browser.driver.quit()
    yield told


def test_a_file_that_is_dropped_in_is_kept_and_checked_in_the_readers_language(story: Story) -> None:
    kept = story.home / "runs" / "uploads"
    for name in ("tickets.csv", "工单.csv"):
        assert (kept / name).read_bytes() == (story.home / name).read_bytes()
    assert (
        "exact-duplicate" in story.findings["en"] and "1 rows repeat an earlier text and label" in story.findings["en"]
    )
    assert story.findings["zh"] == "没有发现问题。"


def test_settings_outlive_a_reload_and_are_what_a_terminal_would_say(story: Story) -> None:
    assert story.kept["settings"] == SETTINGS
    words = " ".join(SETTINGS.split("\n"))
    assert story.kept["command"] == f"luthier train runs/uploads/tickets.csv {words} --model model train.epochs=20"


def test_a_run_is_seen_in_its_middle_after_a_reload_and_in_a_second_window(story: Story) -> None:
    assert "1 of 20" in story.while_running["reload"]
    assert "训练中" in story.while_running["window"] and "1 / 20" in story.while_running["window"]
    assert "20 epochs of 3 steps" in story.while_running["window"]


def test_a_run_goes_on_without_its_server_and_another_one_stops_and_resumes_it(story: Story) -> None:
    assert "已停止，可继续" in story.stopped
    steps = [json.loads(line)["step"] for line in (story.run / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert story.report["steps"]["done"] == 60 and sorted(set(steps)) == list(range(1, 61))
    log = (story.home / "runs" / ".ui" / "tickets-1.log").read_text("utf-8")
    assert "$ luthier train --resume --out runs/tickets-1" in log and "从第" in log.rpartition("\n$ ")[2]


def test_the_result_is_that_of_the_report(story: Story) -> None:
    verdict = story.report["verdict"]
    assert verdict["sentence"] in story.results["zh"] and verdict["sentence"] in story.report_page
    value = next(score["value"] for score in story.report["scores"] if score["name"] == "macro_f1")
    for language, title in (("zh", "微调后的模型"), ("en", "Tuned model")):
        assert title in story.results[language] and f"{value:.3f} [" in story.results[language]


def test_the_model_answers_says_why_and_is_served_with_the_same_answer(story: Story) -> None:
    assert story.answers["zh"] == story.answers["en"] == story.served["label"]
    assert all("courier" in reason for reason in story.reasons.values())
    with pytest.raises(httpx.ConnectError):
        httpx.get(story.address)


def test_an_export_passes_its_gate_and_is_found_again(story: Story) -> None:
    told = json.loads((story.run / "exports" / "merged" / "export.json").read_text("utf-8"))
    for language, title in (("zh", "单条文本（中位数）"), ("en", "One text, median")):
        assert told["passed"] and told["gate"]["sentence"] in story.exported[language]
        assert title in story.exported[language]


def test_what_fails_is_told_with_its_remedy(story: Story) -> None:
    assert "The server behind this page does not answer" in story.lost and "luthier ui" in story.lost
    assert "运行不存在" in story.refused and "解决办法" in story.refused and "luthier runs" in story.refused


def test_no_request_leaves_the_machine_and_the_browser_has_nothing_against_the_page(story: Story) -> None:
    assert story.hosts == story.ours
    assert story.complaints == []


def test_everything_has_a_name_and_can_be_read_by_day_and_by_night(story: Story) -> None:
    assert story.faults == []
