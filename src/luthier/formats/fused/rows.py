"""A text beside an image or a sound: what both layouts of such rows read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from luthier.errors import DataError, Place, Problem, shown
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.text import TEXT_NAMES, checked_text
from luthier.formats.format import Format
from luthier.language import t
from luthier.media.files import AUDIO, ENDINGS, IMAGE, Media, named_media
from luthier.types import AnswerT, Column, Example, Row

IMAGE_NAMES = ("image_path", "image_file", "img", "picture", "photo", "图片", "图像", "照片")
AUDIO_NAMES = ("audio_path", "audio_file", "sound", "wav", "speech", "recording", "音频", "录音", "声音")
MEDIA_COLUMNS = (Column(IMAGE, IMAGE_NAMES, required=False), Column(AUDIO, AUDIO_NAMES, required=False))


@dataclass(frozen=True)
class Fused:
    """text: "" where there is none. media: None where there is none."""

    text: str
    media: Media | None


class FusedRows(Format[Fused, AnswerT]):
    """Rows with a text and, in a column `image` or `audio`, the path of a file, relative to the data's own. Either may
    be empty, not both."""

    texts_are_all: ClassVar[bool] = False

    def media_likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        """1 where a column of files stands beside one of texts."""
        if named(columns, Column("text", TEXT_NAMES)) is None:
            return 0.0
        for column in MEDIA_COLUMNS:
            values = [str(value).casefold() for value in values_of(first, named(columns, column))]
            if values and sum(value.endswith(ENDINGS[column.name]) for value in values) > len(values) / 2:
                return 1.0
        return 0.0

    def parse_input(self, row: Row) -> Fused:
        kinds = [kind for kind in (IMAGE, AUDIO) if kind in row.values]
        if len(kinds) > 1:
            what = t("there is an image column and an audio column, and a model reads one of them")
            raise DataError.at(row.place, what, t("leave one of the columns out"), code="two-media")
        media = named_media(row.values[kinds[0]], kinds[0], row.place) if kinds else None
        return fused(row.values.get("text"), media, replace(row.place, column="text"))

    def as_row(self, input: Fused, answer: AnswerT) -> dict[str, Any]:
        media = {input.media.kind: input.media.written} if input.media else {}
        return {"text": input.text, **media, "label": answer}

    def remarks(self, example: Example[Fused, AnswerT]) -> Iterator[Problem]:
        fix = t("the model learns to answer without it; fill it in where there is one")
        if example.input.media is None:
            yield Problem(example.place, t("no image and no sound"), fix, "missing-modality")
        if not example.input.text:
            yield Problem(example.place, t("no text beside the image or sound"), fix, "missing-modality")

    def plain_text(self, input: Fused) -> str:
        return input.text

    def map_texts(self, input: Fused, change: Callable[[str], str]) -> Fused:
        return replace(input, text=change(input.text)) if input.text else input


def given(value: Any, kind: str, read: Callable[[Any, str], Media | None]) -> Fused:
    """An input as programs hand it over: a text, or an object with a text and a file under the name of its kind.
    read: what stands there, and the kind, to the file. Errors: DataError."""
    place = Place("input")
    if isinstance(value, (Fused, str)):
        return fused(value, None, place) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        what, fix = (
            t("{value} is no text", value=shown(value)),
            t('give a string, or {{"text": …, "{kind}": …}}', kind=kind),
        )
        raise DataError.at(place, what, fix, code="wrong-type")
    unknown = sorted(set(map(str, value)) - {"text", kind})
    if unknown:
        what, fix = t("unknown field {name}", name=shown(unknown[0])), t("known: {names}", names=f"text, {kind}")
        raise DataError.at(place, what, fix, code="unknown-field")
    return fused(value.get("text"), read(value.get(kind), kind), place)


def fused(text: Any, media: Media | None, place: Place) -> Fused:
    """Errors: DataError for a text that cannot be read, and where there is nothing at all."""
    empty = text is None or (isinstance(text, str) and not text.strip())
    return Fused("" if empty and media is not None else checked_text(text, place), media)
