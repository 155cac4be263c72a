"""The commands as a user and a program call them."""

import csv
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.config.settings import load_settings
from tiny import ticket_rows, write_csv, write_jsonl
from workflow.helpers import QUICK, command, luthier, process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in it."""
    from tiny import write_tiny_models

    folder = tmp_path_factory.mktemp("cli")
    model = write_tiny_models(folder / "models").encoder
    write_csv(folder / "tickets.csv", ["body", "team"], ticket_rows(120))
    done = luthier("train", "tickets.csv", f"model={model}", *QUICK, "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def lines(text: str) -> list:
    return [json.loads(line) for line in text.splitlines()]


def test_training_tells_data_choices_result_verdict_and_what_is_next(place: Path) -> None:
    said = (place / "said.txt").read_text(encoding="utf-8")
    for part in ("columns: text = body, label = team", "rows: train 84", "chosen, and why", "TF-IDF", "real tokens/s",
                 "luthier predict run", "run/report.html"):  # fmt: skip
        assert part in said, part


@pytest.mark.slow
def test_train_json_is_the_report_and_nothing_else(place: Path) -> None:
    model = place / "models" / "encoder"
    done = luthier("train", "tickets.csv", f"model={model}", *QUICK, "--out", "json-run", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((place / "json-run" / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_without_a_name_a_run_gets_the_next_number(place: Path) -> None:
    for number in (1, 2):
        words = ["tickets.csv", f"model={place / 'models' / 'encoder'}", *QUICK, "train.epochs=1", "--quiet"]
        assert luthier("train", *words, cwd=place).returncode == 0
        assert (place / "runs" / f"tickets-{number}" / "report.json").exists()


def test_predict_answers_texts_on_the_command_line(place: Path) -> None:
    done = luthier("predict", "run", "--text", "parcel late courier", "--text", "refund money", "--json", cwd=place)
    said = lines(done.stdout)
    assert [set(item) for item in said] == [{"label", "score"}] * 2
    top = luthier("predict", "run", "--text", "parcel late", "--top-k", "2", "--json", cwd=place)
    (best,) = lines(top.stdout)
    assert len(best) == 2 and best[0]["score"] >= best[1]["score"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_predict_gives_a_line_an_input_in_order_from_any_file(kind: str, place: Path) -> None:
    texts = [text for text, _ in ticket_rows(50, seed=9)]
    if kind == "csv":
        data = write_csv(place / "new.csv", ["n", "body"], enumerate(texts))
    else:
        data = write_jsonl(place / "new.jsonl", [{"body": text} for text in texts])
    done = luthier("predict", "run", data, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    alone = luthier("predict", "run", *(w for t in texts[:5] for w in ("--text", t)), "--json", cwd=place)
    assert len(lines(done.stdout)) == 50
    for a, b in zip(lines(done.stdout)[:5], lines(alone.stdout), strict=True):
        assert a["label"] == b["label"] and a["score"] == pytest.approx(b["score"], abs=1e-4)


def test_predict_writes_json_lines_and_csv_files_whole(place: Path) -> None:
    for out in ("out.jsonl", "out.csv"):
        done = luthier("predict", "run", "tickets.csv", "-o", out, cwd=place)
        assert done.returncode == 0 and f"written to {out}" in done.stdout
    said = lines((place / "out.jsonl").read_text(encoding="utf-8"))
    with (place / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [text for text, _ in ticket_rows(120)]
    assert [row["label"] for row in rows] == [item["label"] for item in said]


def test_predict_reads_standard_input_line_by_line(place: Path) -> None:
    done = luthier("predict", "run", "-", "--json", cwd=place, stdin='parcel late\n\n{"body": "refund money"}\n')
    said = lines(done.stdout)
    assert done.returncode == 1  # one input could not be read
    assert [set(item) for item in said] == [{"label", "score"}, {"error"}, {"label", "score"}]
    assert said[1]["error"]["line"] == 2


def test_a_line_of_standard_input_that_is_not_utf_8_fails_alone(place: Path) -> None:
    done = luthier("predict", "run", "-", "--json", cwd=place, stdin="parcel late\n\udcff\udcfe\nrefund money\n")
    said = lines(done.stdout)
    assert done.returncode == 1 and [next(iter(item)) for item in said] == ["label", "error", "label"]
    assert said[1]["error"]["code"] == "encoding" and said[1]["error"]["line"] == 2


def test_a_text_file_is_read_in_the_encoding_it_has(place: Path) -> None:
    (place / "texts.txt").write_bytes("parcel late\n包裹还没到\n".encode("gb18030"))
    for words in ((), ("data.encoding=gb18030",)):
        done = luthier("predict", "run", "texts.txt", *words, "--json", cwd=place)
        assert done.returncode == 0 and len(lines(done.stdout)) == 2
        assert "texts.txt: encoding gb18030" in done.stderr
    (place / "texts.txt").write_bytes("parcel late\n\x8a\n".encode("latin-1"))
    done = luthier("predict", "run", "texts.txt", cwd=place)
    assert done.returncode == 2 and "texts.txt:2" in done.stderr and "data.encoding=" in done.stderr


def test_predict_and_evaluate_take_patterns_and_folders(place: Path) -> None:
    (place / "more").mkdir()
    for part in ("a", "b"):
        write_csv(place / "more" / f"{part}.csv", ["body", "team"], ticket_rows(10, seed=ord(part)))
    for named in ("more/*.csv", "more"):
        done = luthier("predict", "run", named, "--json", cwd=place)
        assert done.returncode == 0 and len(lines(done.stdout)) == 20
        done = luthier("evaluate", "run", named, "--json", cwd=place)
        assert done.returncode == 0 and json.loads(done.stdout)["scores"][0]["n"] == 20
    done = luthier("predict", "run", "more/*.tsv", cwd=place)
    assert done.returncode == 2 and "'a.csv', 'b.csv'" in done.stderr


def test_a_bad_row_fails_alone_and_its_neighbours_are_answered(place: Path) -> None:
    data = write_csv(place / "holes.csv", ["body"], [["parcel late"], [" "], ["refund money"]])
    done = luthier("predict", "run", data, "--json", cwd=place)
    assert done.returncode == 1
    assert [next(iter(item)) for item in lines(done.stdout)] == ["label", "error", "label"]
    assert "1 inputs could not be read" in done.stderr


def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_written_as_text(place: Path) -> None:
    data = write_csv(place / "formula.csv", ["body"], [["=HYPERLINK(parcel)"], ["-1 refund"], ["plain"]])
    luthier("predict", "run", data, "-o", "safe.csv", cwd=place)
    luthier("predict", "run", data, "-o", "raw.csv", "--raw-csv", cwd=place)
    first = [
        [row["text"] for row in csv.DictReader((place / name).open(encoding="utf-8"))]
        for name in ("safe.csv", "raw.csv")
    ]
    assert first == [["'=HYPERLINK(parcel)", "'-1 refund", "plain"], ["=HYPERLINK(parcel)", "-1 refund", "plain"]]


def test_evaluate_gives_scores_and_slices(place: Path) -> None:
    done = luthier("evaluate", "run", "tickets.csv", "--json", cwd=place)
    found = json.loads(done.stdout)
    assert {"macro_f1", "accuracy"} <= {score["name"] for score in found["scores"]}
    assert {"length", "label"} <= {part["by"] for part in found["slices"]}
    table = luthier("evaluate", "run", "tickets.csv", cwd=place)
    assert "macro_f1" in table.stdout and "95 % interval" in table.stdout


def test_evaluate_finds_columns_of_other_names_where_told(place: Path) -> None:
    data = write_csv(place / "other.csv", ["words", "answer"], ticket_rows(30, seed=3))
    refused = luthier("evaluate", "run", data, cwd=place)
    assert refused.returncode == 2 and "data.columns.text=" in refused.stderr
    done = luthier("evaluate", "run", data, "--text", "words", "--label", "answer", "--json", cwd=place)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_init_writes_a_configuration_that_train_takes_as_it_stands(place: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "tickets.csv", ["body", "team"], ticket_rows(60))
    done = luthier("init", "tickets.csv", "--model", place / "models" / "encoder", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "luthier.yaml").read_text(encoding="utf-8")
    assert "label: team" in text and "# 60 rows, 3 classes, language en" in text
    assert luthier("train", "luthier.yaml", *QUICK, "--quiet", cwd=tmp_path).returncode == 0
    again = luthier("init", "tickets.csv", cwd=tmp_path)
    assert again.returncode == 2 and "exists already" in again.stderr


def test_init_keeps_what_was_said_of_the_split(tmp_path: Path) -> None:
    rows = [(text, team, f"customer {i % 12}") for i, (text, team) in enumerate(ticket_rows(60))]
    write_csv(tmp_path / "tickets.csv", ["body", "team", "customer"], rows)
    done = luthier("init", "tickets.csv", "data.split.group=customer", "data.split.folds=3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "luthier.yaml").read_text(encoding="utf-8")
    assert "    group: customer\n" in text and "    folds: 3\n" in text and "None" not in text
    assert load_settings(tmp_path / "luthier.yaml").data.split.folds == 3


@pytest.mark.slow
def test_columns_of_a_file_without_header_are_named_by_number(place: Path) -> None:
    bare = ["data.header=false", "data.columns.text=1", "data.columns.label=2"]
    (place / "bare.csv").write_text("".join(f"{x},{y}\n" for x, y in ticket_rows(60)), encoding="utf-8")
    words = ["train", "bare.csv", *bare, f"model={place / 'run' / 'model'}", *QUICK, "--out", "bare"]
    done = luthier(*words, cwd=place)
    assert done.returncode == 0, done.stderr
    assert luthier(*words, "--resume", cwd=place).returncode == 0  # finished: the settings are the same
    done = luthier("evaluate", "bare", "bare.csv", "data.header=false", "--json", cwd=place)
    assert done.returncode == 0 and json.loads(done.stdout)["scores"], done.stderr


@pytest.mark.slow
def test_quiet_says_nothing_where_nothing_is_wrong(place: Path) -> None:
    model = place / "models" / "encoder"
    done = luthier("train", "tickets.csv", f"model={model}", *QUICK, "--out", "quiet-run", "--quiet", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_verbose_tells_how_long_each_step_took(place: Path) -> None:
    done = process("predict", "run", "--text", "hello", "--verbose", cwd=place)
    assert done.returncode == 0 and re.search(r"luthier: .+: \d+\.\d s", done.stderr), done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from luthier.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "train" in done.stdout and "predict" in done.stdout
    assert not {"torch", "transformers", "numpy", "pydantic", "sklearn"} & set(done.stderr.split())


@pytest.mark.slow
def test_every_command_has_help_in_both_languages() -> None:
    for name in ("demo", "init", "train", "evaluate", "predict", "serve"):
        english, chinese = process(name, "--help"), process(name, "--help", LUTHIER_LANG="zh")
        assert english.returncode == chinese.returncode == 0
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese.stdout)
        assert not any("\u4e00" <= c <= "\u9fff" for c in english.stdout)


@pytest.mark.slow
def test_serve_answers_what_predict_answers_and_drains_on_sigterm(place: Path) -> None:
    import httpx

    server = subprocess.Popen(
        command("serve", "run", "--port", "0"), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    address = server.stdout.readline().split()[-1]
    try:
        with httpx.Client(base_url=address, timeout=30) as client:
            assert client.get("/health/live").status_code == 200
            begin = time.monotonic()
            while client.get("/health/ready").status_code != 200:
                assert time.monotonic() - begin < 60
                time.sleep(0.1)
            texts = [text for text, _ in ticket_rows(20, seed=4)]
            served = client.post("/predict", json={"inputs": texts}).json()["predictions"]
        said = lines(luthier("predict", "run", *(w for t in texts for w in ("--text", t)), "--json", cwd=place).stdout)
        assert [item["label"] for item in served] == [item["label"] for item in said]
        assert [item["score"] for item in served] == pytest.approx([item["score"] for item in said], abs=1e-4)
    finally:
        server.terminate()
    assert server.wait(timeout=30) == 0


def test_a_port_in_use_is_refused(place: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = luthier("serve", "run", "--port", taken.getsockname()[1], cwd=place)
    assert done.returncode == 2 and "--port" in done.stderr
