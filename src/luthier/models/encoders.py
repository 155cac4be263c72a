"""A pretrained encoder of images or sounds: what a file is to it, and what it makes of one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn

from luthier.errors import ModelError, first_line
from luthier.language import t
from luthier.media.files import IMAGE, Media
from luthier.media.images import read_image
from luthier.media.sounds import read_sound
from luthier.media.store import ArrayStore
from luthier.models.load import load_model

MOST_TOKENS = 50
"""Of one file: of a longer sequence neighbours are averaged. A ViT's 197 tokens would take more memory than the image
itself, and a minute of speech is thousands."""
_BATCH = 16
_LEAST_SECONDS = 0.1
"""Shorter sounds are filled up with silence: convolutions need something to stand on."""
_PREPARING = ("preprocessor_config.json", "processor_config.json")


class MediaReader:
    """folder: of any model that AutoModel loads and that reads one image or one sound. kind: which of the two.
    seconds: of a sound that are read.

    What it makes of a file is kept, by the file's digest: each is read once, however many rows and epochs see it.
    """

    def __init__(self, folder: Path, kind: str, seconds: float, device: str) -> None:
        self.folder, self.kind, self.seconds, self.device = folder, kind, seconds, device
        self._prepared, self._encoded = ArrayStore(), ArrayStore()

    def prepared(self, media: Sequence[Media]) -> list[np.ndarray]:
        """Of each file what the encoder is given, float16 [T, …]. Errors: DataError, ModelError."""
        for one in media:
            if one.digest not in self._prepared:
                array = self._prepare(one)
                self._refuse_other_size(array)
                self._prepared.put(one.digest, array.astype(np.float16))
        return [self._prepared[one.digest] for one in media]

    def encoded(self, media: Sequence[Media]) -> list[np.ndarray]:
        """Of each file the encoder's last hidden states, float16 [P, D], at most MOST_TOKENS of them. Files of unlike
        length are never padded: what comes out does not depend on what goes in beside it. Errors: as `prepared`."""
        new = {one.digest: one for one in media if one.digest not in self._encoded}
        for batch in _alike(self._prepare(one) for one in new.values()):
            given = torch.from_numpy(np.stack([array for _, array in batch])).to(self.device)
            with torch.inference_mode():
                states_BPD = tokens(self.model, given)
            for (number, _), states_PD in zip(batch, states_BPD, strict=True):
                self._encoded.put(list(new)[number], states_PD.cpu().numpy().astype(np.float16))
        return [self._encoded[one.digest] for one in media]

    def nothing(self, *, raw: bool) -> np.ndarray:
        """What stands where there is no file, float16, as one of `prepared` (raw) or of `encoded`."""
        return np.zeros((1, *self._blank.shape[1:]) if raw else (1, self.width), np.float16)

    @cached_property
    def width(self) -> int:
        """D."""
        with torch.inference_mode():
            return tokens(self.model, torch.from_numpy(self._blank)[None].to(self.device)).shape[-1]

    @cached_property
    def model(self) -> nn.Module:
        """The encoder alone, as it was pretrained. Errors: ModelError."""
        return encoder_of(load_model(self.folder, "AutoModel", {}, seed=0, device=self.device).model).eval()

    @cached_property
    def _processor(self) -> Any:
        if not any((self.folder / name).is_file() for name in _PREPARING):
            what, fix = t("{file} is missing", file=_PREPARING[0]), t("copy it from where the model comes from")
            raise ModelError.at(str(self.folder), what, fix, code="bad-model")
        try:
            if self.kind == IMAGE:  # one library prepares, wherever the model goes
                return transformers.AutoImageProcessor.from_pretrained(str(self.folder), backend="pil")
            return transformers.AutoFeatureExtractor.from_pretrained(str(self.folder))
        except Exception as error:  # the library raises many kinds
            reason = first_line(error)
            what = t("prepares no {kind}: {reason}", kind=self.kind, reason=reason)
            fix = t("is task.encoder a model that reads this kind of file?")
            raise ModelError.at(str(self.folder), what, fix, code="bad-model") from error

    def _prepare(self, one: Media) -> np.ndarray:
        data = one.read()
        rate = 0 if self.kind == IMAGE else self._rate
        return self._processed(read_image(data) if self.kind == IMAGE else read_sound(data, rate, self.seconds))

    def _processed(self, content: np.ndarray) -> np.ndarray:
        if self.kind == IMAGE:
            from PIL import Image

            found = self._processor(images=[Image.fromarray(content)], return_tensors="np")
        else:
            least = round(self._rate * _LEAST_SECONDS)
            content = np.pad(content, (0, max(0, least - len(content))))
            found = self._processor([content], sampling_rate=self._rate, return_tensors="np")
        return np.asarray(found[self._processor.model_input_names[0]][0], np.float32)

    @property
    def _rate(self) -> int:
        return int(self._processor.sampling_rate)

    @cached_property
    def _blank(self) -> np.ndarray:
        """A black image, or a second of silence, prepared."""
        blank = np.zeros((64, 64, 3), np.uint8) if self.kind == IMAGE else np.zeros(self._rate, np.float32)
        return self._processed(blank)

    def _refuse_other_size(self, array: np.ndarray) -> None:
        """Errors: ModelError for images that come out in different sizes, and would have to be padded."""
        if array.shape[1:] != self._blank.shape[1:]:
            what = t("its {file} makes images of different sizes", file=_PREPARING[0])
            fix = t("give them one there, as size: {height, width}, or leave task.tune_encoder=false")
            raise ModelError.at(str(self.folder), what, fix, code="bad-model")


@lru_cache(2)
def media_reader(folder: Path, kind: str, seconds: float) -> MediaReader:
    """One for all who ask, so that they share what it keeps."""
    return MediaReader(folder, kind, seconds, "cuda" if torch.cuda.is_available() else "cpu")


def encoder_of(model: Any) -> Any:
    """The part that reads images or sounds: of CLIP and its kin the vision model, of Whisper the encoder."""
    for name in ("vision_model", "audio_model"):
        if hasattr(model, name):
            return getattr(model, name)
    return model.get_encoder() if model.config.is_encoder_decoder else model


def tokens(encoder: Any, given: Tensor) -> Tensor:
    """The last hidden states [B, P, D] of a batch of prepared files [B, T, …]; of a convolutional network its last
    map, place by place."""
    states = encoder(**{getattr(encoder, "main_input_name", "pixel_values"): given}).last_hidden_state
    states_BPD = states.flatten(2).transpose(1, 2) if states.ndim == 4 else states
    if states_BPD.shape[1] <= MOST_TOKENS:
        return states_BPD
    return nn.functional.adaptive_avg_pool1d(states_BPD.transpose(1, 2), MOST_TOKENS).transpose(1, 2)


def copy_encoder(folder: Path, to: Path, *, weights: bool) -> None:
    """What a MediaReader needs into a new folder. weights: False where a model holds them itself."""
    to.mkdir()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    (to / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    found = [folder / name for name in _PREPARING if (folder / name).is_file()]
    if weights:
        found += [*folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")]
    for path in found:
        shutil.copyfile(path, to / path.name)


def _alike(arrays: Iterator[np.ndarray]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Batches of arrays of one shape, with their numbers; few are held at a time."""
    waiting: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
    held = 0
    for number, array in enumerate(arrays):
        batch = waiting.setdefault(array.shape, [])
        batch.append((number, array))
        held += 1
        if len(batch) == _BATCH:
            held -= len(waiting.pop(array.shape))
            yield batch
        elif held >= 8 * _BATCH:
            yield from waiting.values()
            waiting, held = {}, 0
    yield from waiting.values()
