"""The options that commands share, declared once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.language import t

if TYPE_CHECKING:
    from luthier.config.located import Located
    from luthier.config.schema import DataSettings

Json = Annotated[bool, typer.Option("--json", help=t("for programs: JSON on stdout, nothing else"))]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help=t("only warnings and errors"))]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]…", help=t("settings, such as train.epochs=5 tuning.method=lora"), show_default=False
    ),
]
Source = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA|CONFIG] [key=value]…",
        help=t("a file of labelled text or a YAML configuration, then settings such as train.epochs=5"),
        show_default=False,
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help=t("a run's folder, or a model folder"))]
Task = Annotated[str | None, typer.Option("--task", help=t("such as classification"))]
Model = Annotated[str | None, typer.Option("--model", help=t("a hub name or a local folder"))]
Text = Annotated[str | None, typer.Option("--text", help=t("the text column's name"))]
Label = Annotated[str | None, typer.Option("--label", help=t("the label column's name"))]
Out = Annotated[
    str | None, typer.Option("--out", "-o", help=t("the run's folder; runs/<name>-<number> where not given"))
]
Precision = Annotated[
    str, typer.Option("--precision", help=t("fp32, or bf16: faster on a CPU that has it, and some answers differ"))
]
Seed = Annotated[int | None, typer.Option("--seed", help=t("of split and training"))]

CONFIG_ENDINGS = (".yaml", ".yml")


def read_words(words: list[str] | None, **flags: Any) -> Located:
    """What the user said in all, with its places. words: of a Source. flags: as of `settings_values`."""
    from luthier.config.settings import read_settings

    source, overrides = split_source(words)
    config, values = settings_values(source, **flags)
    return read_settings(config, overrides, values)


def split_source(words: list[str] | None) -> tuple[str | None, list[str]]:
    """The data among the arguments, if the first names any (- is standard input), and the key=value words."""
    words = list(words or ())
    if words and names_data(words[0]):
        return words[0], words[1:]
    return None, words


def names_data(word: str) -> bool:
    """Whether a word is a file, a pattern or an address, and no setting."""
    before, equals, _ = word.partition("=")
    return not equals or "://" in before or os.path.exists(word)  # noqa: PTH110  a setting may be too long for a path


def check_file(name: str | None, how: DataSettings) -> None:
    """name: as of `split_source`. Errors: DataError where it cannot be opened."""
    if name is None or name == "-":
        return
    from luthier.preparing.rows import read_options
    from luthier.reading.open import check_named

    check_named(name, read_options(how))


def data_settings(overrides: list[str] | None, columns: dict[str, str | None]) -> DataSettings:
    """How a command that reads one more file is to read it: the data.* settings of the command line.

    Errors: ConfigError for any other setting.
    """
    from luthier.config.settings import check_settings, opened, read_settings
    from luthier.errors import ConfigError

    tree = opened(read_settings(None, overrides or (), {k: v for k, v in columns.items() if v is not None}))
    for key, node in tree.section().items():
        if key != "data":
            fix = t("only data.… settings have a meaning here")
            raise ConfigError.at(node.place, t("{key} changes nothing here", key=key), fix, code="unknown-key")
    return check_settings(tree).data


def settings_values(
    source: str | None,
    *,
    task: str | None = None,
    model: str | None = None,
    text: str | None = None,
    label: str | None = None,
    out: str | None = None,
    seed: int | None = None,
) -> tuple[Path | None, dict[str, object]]:
    """The configuration file, if the source is one, and the flags as settings by dotted key."""
    values: dict[str, object] = {}
    config = None
    if source is not None and source.lower().endswith(CONFIG_ENDINGS):
        config = Path(source)
    elif source is not None:
        values["data.train"] = source
    flags = {"task.name": task, "model": model, "data.columns.text": text, "data.columns.label": label, "out": out}
    values |= {key: value for key, value in flags.items() if value is not None}
    if seed is not None:
        values |= {"train.seed": seed, "data.split.seed": seed}
    return config, values
