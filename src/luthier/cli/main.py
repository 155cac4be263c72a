"""The command `luthier`: arguments in, exit code out. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.exceptions import Abort, Exit, TyperException

from luthier.cli.check import check
from luthier.cli.choosing.models import models
from luthier.cli.choosing.plan import plan
from luthier.cli.choosing.search import search
from luthier.cli.console import print_error
from luthier.cli.demo import demo
from luthier.cli.evaluate import evaluate
from luthier.cli.init import init
from luthier.cli.judging.compare import compare
from luthier.cli.judging.drift import drift
from luthier.cli.judging.explain import explain
from luthier.cli.judging.runs import runs
from luthier.cli.making.export import export
from luthier.cli.making.schema import schema
from luthier.cli.making.tokenizer import tokenizer
from luthier.cli.predict import predict
from luthier.cli.scarce.curve import curve
from luthier.cli.scarce.suggest import suggest
from luthier.cli.serve import serve
from luthier.cli.talk.chat import chat
from luthier.cli.talk.workbench import ui
from luthier.cli.train import train
from luthier.cli.vectors.index import index
from luthier.errors import InterruptedRun, LuthierError, Place, Problem
from luthier.language import t

BUG = 70
COMMANDS = {
    "demo": (demo, t("the whole workflow on embedded data and an embedded model")),
    "init": (init, t("write a commented configuration from a look at the data")),
    "check": (check, t("what is wrong with my data?")),
    "models": (models, t("which pretrained model for my data?")),
    "plan": (plan, t("will it fit, how long will it take?")),
    "train": (train, t("tune a model to a file of labelled text, test it, judge it")),
    "search": (search, t("which settings? tries many without a look at the test rows, then tests the winner")),
    "compare": (compare, t("which run is better, and is the difference real?")),
    "runs": (runs, t("which runs are there? list, show, delete")),
    "evaluate": (evaluate, t("how good is a run on other data?")),
    "drift": (drift, t("is what a model is asked still like what it learnt from?")),
    "predict": (predict, t("answers for a file, for standard input, or for a text")),
    "explain": (explain, t("why did it say so? words, nearest training rows, what would change it")),
    "tokenizer": (tokenizer, t("learn a tokenizer from texts; with --model also a model to be trained from nothing")),
    "chat": (chat, t("talk to a run that writes, in the terminal")),
    "curve": (curve, t("how much would more data help?")),
    "suggest": (suggest, t("which rows should be labelled next?")),
    "index": (index, t("make a file's rows ready to be searched")),
    "export": (export, t("hand a run over as ONNX, int8, plain weights or GGUF, checked against the original")),
    "serve": (serve, t("serve a run over HTTP")),
    "ui": (ui, t("all of it in the browser, on this machine only")),
    "schema": (schema, t("the configuration's JSON Schema, for editors")),
}


def build() -> typer.Typer:
    app = typer.Typer(
        name="luthier",
        help=t("Tunes a pretrained model to your labelled data, proves that it was worth it, and serves it."),
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    epilog = t("With every command: --verbose tells how long each step took and what libraries say; --debug prints "
               "the traceback of an error.")  # fmt: skip
    for name, (command, summary) in COMMANDS.items():
        app.command(name, help=summary, epilog=epilog)(command)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 on success, 1 for findings or a failed gate, 2 for a user's mistake, 3 where machine or numerics
    stopped a run that can be resumed, 130 and 143 for an interruption, 70 for a bug of ours."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = "--debug" in words, "--json" in words
    if "--verbose" in words:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s", force=True)
    words = [word for word in words if word not in ("--debug", "--verbose")]
    try:
        result: Any = typer.main.get_command(build()).main(args=words, prog_name="luthier", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except LuthierError as error:
        if debug:
            traceback.print_exc()
        print_error(error, as_json=as_json)
        return error.exit_code
    except Exit as error:
        return error.exit_code
    except TyperException as error:  # an option, argument or command that does not exist or does not fit
        command = next((word for word in words if not word.startswith("-")), "")
        fix = t("see luthier {command} --help", command=command) if command in COMMANDS else "luthier --help"
        print_error(LuthierError.at("command line", error.format_message(), fix, code="usage"), as_json=as_json)
        return 2
    except (KeyboardInterrupt, Abort):
        problem = Problem(Place("luthier"), t("interrupted"), t("run the same command again"), "interrupted")
        print_error(InterruptedRun(problem), as_json=as_json)
        return 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        what = t("this is a bug of Luthier: {kind}: {error}", kind=type(error).__name__, error=str(error)[:300])
        fix = ", ".join([t("run again with --debug and report what it prints"), *getattr(error, "__notes__", ())])
        print_error(LuthierError.at("luthier", what, fix, code="bug"), as_json=as_json)
        return BUG


def entry() -> None:
    """The console script."""
    sys.exit(main())
