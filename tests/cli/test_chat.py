"""luthier chat: a conversation in the terminal, through a pipe, for programs."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from luthier import catalog
from luthier.cli.talk.dialogue import Dialogue
from luthier.errors import Place
from luthier.inference.artifact import Predictor
from luthier.types import Row
from production.helpers import saved
from tiny import TinyModels, write_causal
from workflow.helpers import ENVIRONMENT, Done, command, luthier

MOST = 12


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Predictor:
    return saved("sft", models.causal, tmp_path_factory.mktemp("spoken"), larger=4, max_new_tokens=MOST)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, predictor: Predictor) -> Path:
    return tmp_path_factory.getbasetemp() / next(p.name for p in tmp_path_factory.getbasetemp().glob("spoken*")) / "sft"


def talked(run: Path, *lines: str, words: tuple[str, ...] = ("--json",)) -> Done:
    done = luthier("chat", run, *words, stdin="".join(f"{line}\n" for line in lines))
    assert done.returncode == 0, done.stderr
    return done


def replies(done: Done) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


class TestThroughAPipe:
    def test_each_line_is_a_turn_and_is_answered_as_predict_would(self, run: Path, predictor: Predictor) -> None:
        said = replies(talked(run, "my parcel", "and my refund?"))
        (first,) = predictor.predict(["my parcel"])
        turns = [("user", "my parcel"), ("assistant", first["generated_text"]), ("user", "and my refund?")]
        messages = [{"role": role, "content": text} for role, text in turns]
        (second,) = predictor.predict([{"messages": messages}])
        assert [one["text"] for one in said] == [first["generated_text"], second["generated_text"]]
        assert {one["finish_reason"] for one in said} <= {"length", "stop"} and said[0]["tokens"] == MOST

    def test_without_json_the_answers_are_all_that_is_on_stdout(self, run: Path, predictor: Predictor) -> None:
        done = talked(run, "my parcel", words=())
        assert done.stdout == predictor.predict(["my parcel"])[0]["generated_text"] + "\n"
        assert f"cut after {MOST} tokens" in done.stderr

    def test_a_reset_forgets_and_the_system_is_heard(self, run: Path, predictor: Predictor) -> None:
        said = replies(talked(run, "my parcel", "/reset", "my parcel", "/reset", "/system be brief", "my parcel"))
        told = replies(talked(run, "my parcel", words=("--json", "--system", "be brief")))
        assert said[0] == said[1] != said[2] == told[0]

    def test_what_was_said_is_kept_as_a_row_of_training_data(self, run: Path, tmp_path: Path) -> None:
        rows = tmp_path / "rows.jsonl"
        talked(
            run, "/system be brief", "my parcel", f"/save {rows}", "/reset", "refund", f"/save {rows}", "/quit", "no"
        )
        read = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
        examples = [catalog.task("sft").format.parse(Row(row, Place("rows"))) for row in read]
        asked = [[(turn.role, turn.content) for turn in example.input.turns] for example in examples]
        assert asked == [[("system", "be brief"), ("user", "my parcel")], [("system", "be brief"), ("user", "refund")]]

    def test_a_line_that_only_looks_like_a_command_is_said(self, run: Path) -> None:
        assert len(replies(talked(run, "/etc/hosts is gone", "/resetting", "", "ok"))) == 3

    def test_settings_change_how_it_writes_and_wrong_ones_are_refused(self, run: Path) -> None:
        (short,) = replies(talked(run, "hello", words=("--json", "generation.max_new_tokens=2")))
        assert short["tokens"] == 2
        drawn = [
            replies(talked(run, "hello", words=("--json", "generation.temperature=1", f"generation.seed={seed}")))[0]
            for seed in (1, 1, 2, 3)
        ]
        assert drawn[0] == drawn[1] and len({one["text"] for one in drawn}) > 1
        for word, wanted in (
            ("generation.temprature=1", "temperature"),
            ("generation.top_p=2", "top_p"),
            ("lr=3", "lr"),
        ):
            done = luthier("chat", run, word, stdin="hello\n")
            assert done.returncode == 2 and wanted in done.stderr and not done.stdout


class TestWhatCanBeTalkedTo:
    def test_a_plain_model_folder_with_a_template(self, models: TinyModels) -> None:
        (said,) = replies(talked(models.causal, "hello", words=("--json", "generation.max_new_tokens=3")))
        assert said["tokens"] <= 3

    def test_no_base_model_and_none_that_writes_nothing(
        self, models: TinyModels, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        base = write_causal(tmp_path_factory.mktemp("base") / "base", None)
        assert "no chat template" in luthier("chat", base, stdin="a\n").stderr
        saved("classification", models.encoder, base.parent)
        done = luthier("chat", base.parent / "classification", stdin="a\n")
        assert done.returncode == 2 and "writes no text" in done.stderr


class TestHalted:
    def test_an_answer_ends_with_the_next_token_and_what_was_said_stays(self, predictor: Predictor) -> None:
        dialogue = Dialogue(predictor)
        heard: list[str] = []
        reply = dialogue.ask("hello", lambda _, piece: heard.append(piece), lambda: len(heard) >= 2)
        assert reply.halted and reply.as_json()["finish_reason"] == "halted"
        assert 0 < reply.tokens < MOST and reply.turn.content == "".join(heard).strip()
        assert [message["role"] for message in dialogue.messages] == ["user", "assistant"]
        assert not dialogue.ask("go on", lambda *_: None, lambda: False).halted

    @pytest.mark.slow
    def test_in_a_terminal_ctrl_c_ends_the_answer_and_not_the_program(self, run: Path) -> None:
        mine, theirs = pty.openpty()
        words = command("chat", run, "generation.max_new_tokens=450", "generation.repetition_penalty=1.3")
        variables = {**os.environ, **ENVIRONMENT, "TERM": "dumb"}
        process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, start_new_session=True
        )
        shown = ""

        def until(text: str, seconds: float = 60, more: int = 0) -> None:
            nonlocal shown
            begin = time.monotonic()
            while text not in shown or len(shown) < shown.index(text) + len(text) + more:
                assert time.monotonic() - begin < seconds, shown
                if select.select([mine], [], [], 0.05)[0]:
                    shown += os.read(mine, 65536).decode("utf-8", "replace")

        try:
            until("> ")
            for _ in range(2):
                shown = ""
                os.write(mine, b"hello\n")
                until("hello\r\n", more=1)  # the answer has begun
                process.send_signal(signal.SIGINT)
                until("> ")
                assert "cut after" not in shown  # it had not come to its end
            os.write(mine, b"/quit\n")
            assert process.wait(20) == 0
        finally:
            process.kill()
