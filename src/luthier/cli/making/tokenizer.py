"""luthier tokenizer: a vocabulary learnt from one's own texts, and a model to be trained from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Quiet, Source, Task, Text, read_words
from luthier.errors import ConfigError
from luthier.language import t

if TYPE_CHECKING:
    from luthier.making.tokenizer import Made


def tokenizer(
    source: Source = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=t("the folder to write; it must not hold anything"))
    ] = None,
    vocabulary: Annotated[int, typer.Option("--vocabulary", min=1, help=t("how many tokens"))] = 8000,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help=t("bpe, wordpiece, unigram or characters; else as such models have it")),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help=t("a type of model to be trained from nothing, such as llama, gpt2, bert or t5")),
    ] = None,
    layers: Annotated[int, typer.Option("--layers", min=1, help=t("of the model"))] = 6,
    width: Annotated[int, typer.Option("--width", min=8, help=t("of the model: numbers a token"))] = 384,
    heads: Annotated[int, typer.Option("--heads", min=0, help=t("of attention; 0: heads of 64 numbers each"))] = 0,
    context: Annotated[int, typer.Option("--context", min=8, help=t("the longest text, in tokens"))] = 1024,
    task: Task = None,
    text: Text = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.settings import check_settings
    from luthier.making.tokenizer import Asked, make_tokenizer
    from luthier.making.untrained import Size

    if out is None:
        fix = t("luthier tokenizer DATA --out my-model")
        raise ConfigError.at("--out", t("no folder is named"), fix, code="usage")
    settings = check_settings(read_words(source, task=task, text=text))
    screen = Console(json=json, quiet=quiet)
    asked = Asked(vocabulary, kind, model, Size(layers, width, heads, context))
    made = make_tokenizer(settings, out, asked, screen)
    _tell(made, vocabulary, screen)
    if json:
        print_json(made.as_json())


def _tell(made: Made, asked: int, screen: Console) -> None:
    screen.say(
        t("{kind} tokenizer of {size:,} tokens, learnt from {rows:,} texts ({characters:,} characters)",
          kind=made.kind, size=made.vocabulary, rows=made.rows, characters=made.characters)
    )  # fmt: skip
    if made.vocabulary < asked:
        screen.say(t("the texts have no more pieces that come twice: {asked:,} were asked for", asked=asked))
    if made.unusable:
        screen.warn(t("{count} rows could not be read and were left out", count=made.unusable))
    screen.say(
        t("on {rows:,} texts kept aside: {ratio:.3f} tokens a character ({inverse:.1f} characters a token), "
          "{unknown:.2%} unknown",
          rows=made.held_rows, ratio=made.tokens_per_character, inverse=1 / max(made.tokens_per_character, 1e-9),
          unknown=made.unknown)
    )  # fmt: skip
    for pieces in made.examples:
        screen.say("  " + "·".join(pieces))
    if made.model is None:
        screen.say(t("tokenizer  {path}", path=made.folder))
        return
    screen.say(t("{model}: {count:,} weights, none trained yet", model=made.model, count=made.parameters))
    screen.say(t("model   {path}", path=made.folder))
    screen.say(
        t("next    luthier train DATA --task {task} --model {path} tuning.method=scratch",
          task="seq2seq" if made.make == "encoder-decoder" else "pretrain", path=made.folder)
    )  # fmt: skip
