"""luthier chat: a conversation with a model that writes, in the terminal or through a pipe."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_error, print_json
from luthier.cli.options import Json, Quiet, RunFolder
from luthier.cli.talk.settings import as_asked, refuse_others, split_settings
from luthier.errors import DataError, LuthierError, printable
from luthier.language import t

if TYPE_CHECKING:
    from luthier.cli.talk.dialogue import Dialogue, Reply

_PROMPT = "> "
_HELP = t("/reset forgets the conversation, /system TEXT tells the model who it is, /save FILE keeps what was said as "
          "a row of training data, /quit or Ctrl-D ends; Ctrl-C ends an answer")  # fmt: skip
_QUIT = "/quit"


def chat(
    run: RunFolder,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[generation.…=value]…", help=t("such as generation.temperature=0.7"), show_default=False
        ),
    ] = None,
    system: Annotated[str, typer.Option(help=t("what the model is told before all else"))] = "",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    others, how = split_settings(settings or ())
    refuse_others(others)
    from luthier.extras import require

    require("torch", "transformers")
    from luthier.cli.talk.dialogue import Dialogue
    from luthier.inference.plain import load_speaker
    from luthier.inference.speech import as_writer

    predictor = as_asked(load_speaker(run), how)
    as_writer(predictor)
    dialogue = Dialogue(predictor, system)
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not json
    screen = Console(json=not at_terminal, quiet=quiet)
    if at_terminal:
        screen.say(_HELP)
    failed = False
    for line in _typed() if at_terminal else _piped():
        try:
            if line.strip() == _QUIT:
                break
            if _obeyed(line, dialogue, screen) or not line.strip():
                continue
            _answer(line, dialogue, screen, as_json=json, at_terminal=at_terminal)
        except DataError as error:
            failed = True
            print_error(error, as_json=json)
            if json:
                print_json({"error": error.problems[0].as_json()})
    return 1 if failed and not at_terminal else 0


def _answer(text: str, dialogue: Dialogue, screen: Console, *, as_json: bool, at_terminal: bool) -> None:
    def show(kind: str, piece: str) -> None:
        if not as_json:
            sys.stdout.write(_harmless(piece) if at_terminal else piece)
            sys.stdout.flush()

    with _halting() as halted:
        reply = dialogue.ask(text, _spaced(show), halted.is_set)
    if as_json:
        print_json(reply.as_json())
        return
    sys.stdout.write("\n")
    sys.stdout.flush()
    _remark(reply, screen)


def _remark(reply: Reply, screen: Console) -> None:
    if reply.cut:
        screen.warn(t("the conversation is longer than the model reads: {count} tokens of it were left out",
                      count=reply.cut))  # fmt: skip
    if not reply.stopped and not reply.halted:
        fix = t("generation.max_new_tokens=… allows more")
        screen.warn(t("the answer was cut after {count} tokens", count=reply.tokens) + "; " + fix)


def _spaced(show):
    """With an empty line between what is thought and what is said."""
    before: list[str] = []

    def spaced(kind: str, piece: str) -> None:
        if before and before[-1] != kind:
            show(kind, "\n\n")
        before.append(kind)
        show(kind, piece)

    return spaced


def _obeyed(line: str, dialogue: Dialogue, screen: Console) -> bool:
    """Whether the line was a command. Errors: DataError for one without what it needs."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if word == "/help":
        screen.say(_HELP)
    elif word == "/reset":
        dialogue.reset()
        screen.say(t("a new conversation"))
    elif word == "/system":
        dialogue.system = rest or dialogue.system
        screen.say(t("system: {text}", text=printable(dialogue.system) or "–"))
    elif word == "/save":
        _save(rest, dialogue, screen)
    else:
        return False
    return True


def _save(name: str, dialogue: Dialogue, screen: Console) -> None:
    if not name or not dialogue.messages:
        what = t("which file?") if dialogue.messages else t("nothing has been said yet")
        raise DataError.at("/save", what, t("/save FILE.jsonl, after an answer"), code="usage")
    try:
        dialogue.save(Path(name).expanduser())
    except OSError as error:
        raise DataError.at(name, error.strerror or str(error), t("name another file"), code="read-only") from None
    screen.say(t("written to {path}", path=name))


def _typed() -> Iterator[str]:
    """Lines as they are typed; one that ends in a backslash goes on with the next."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  gives `input` a history and keys to edit with
    while True:
        try:
            line = input(_PROMPT)
            while line.endswith("\\"):
                line = line[:-1] + "\n" + input("… ")
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            continue
        except EOFError:
            sys.stdout.write("\n")
            return
        yield line


def _piped() -> Iterator[str]:
    """A turn a line. Errors: DataError for bytes that are no UTF-8."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            what = t("is not {encoding}", encoding="UTF-8")
            raise LuthierError.at(
                f"standard input:{number}", what, t("pipe it through iconv"), code="encoding"
            ) from None


@contextmanager
def _halting() -> Iterator[threading.Event]:
    """Ctrl-C sets it, so that an answer ends and not the program; a second one is the usual one."""
    halted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield halted
        return

    def halt(number: int, frame: FrameType | None) -> None:
        if halted.is_set():
            raise KeyboardInterrupt
        halted.set()

    before = signal.signal(signal.SIGINT, halt)
    try:
        yield halted
    finally:
        signal.signal(signal.SIGINT, before)


def _harmless(text: str) -> str:
    """What a model wrote, as a terminal may be given it: line ends and tabs are the only control characters."""
    return "".join(c if c in "\n\t" else printable(c) for c in text)
