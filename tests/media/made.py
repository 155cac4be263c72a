"""Small files of images and sounds, tables of them, and small encoders, all made on the spot."""

from __future__ import annotations

import io
import random
import wave
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tiny import write_csv

COLOURS = ("red", "blue", "green")
SHAPES = ("disc", "box")
_ASKED = {
    "colour": ("what colour is it", "name its colour", "the colour please", "which colour do you see"),
    "shape": ("what shape is it", "name its shape", "the shape please", "which shape do you see"),
}


def draw_shape(colour: str, shape: str, size: int = 24, at: int = 0) -> Image.Image:
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    box = (3 + at % 4, 3 + at % 3, size - 6 + at % 3, size - 6 + at % 4)
    (draw.ellipse if shape == "disc" else draw.rectangle)(box, fill=colour)
    return image


def png(image: Image.Image, **options: Any) -> bytes:
    return encoded(image, "PNG", **options)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tone(hertz: float, seconds: float = 0.3, rate: int = 16000) -> np.ndarray:
    """float64 [T]."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def wav(samples: np.ndarray, rate: int = 16000, width: int = 2) -> bytes:
    """samples: [T] or [T, channels], -1 to 1. width: bytes a sample."""
    flat = samples[:, None] if samples.ndim == 1 else samples
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(flat.shape[1])
        out.setsampwidth(width)
        out.setframerate(rate)
        if width == 1:
            content = np.round(flat * 127 + 128).astype(np.uint8).tobytes()
        else:
            whole = np.round(flat * (2 ** (8 * width - 1) - 1)).astype("<i4")
            content = np.ascontiguousarray(whole).view(np.uint8).reshape(*whole.shape, 4)[..., :width].tobytes()
        out.writeframes(content)
    return file.getvalue()


def write_questions(folder: Path, rows: int = 120, seed: int = 0) -> Path:
    """Questions about coloured shapes; the answer needs both the question and the image."""
    draw = random.Random(seed)
    (folder / "shapes").mkdir(parents=True, exist_ok=True)
    table: list[tuple[str, str, str]] = []
    for number in range(rows):
        colour, shape = draw.choice(COLOURS), draw.choice(SHAPES)
        name = f"shapes/{number}.png"
        (folder / name).write_bytes(png(draw_shape(colour, shape, at=number)))
        asked = draw.choice(list(_ASKED))
        table.append((draw.choice(_ASKED[asked]), name, colour if asked == "colour" else shape))
    return write_csv(folder / "questions.csv", ("text", "image", "label"), table)


def write_tones(folder: Path, rows: int = 60, seed: int = 0, *, numbers: bool = False) -> Path:
    """Tones with a request; high or low, or loud or soft. numbers: the label is the pitch in kilohertz instead."""
    draw = random.Random(seed)
    (folder / "tones").mkdir(parents=True, exist_ok=True)
    table: list[tuple[str, str, Any]] = []
    for number in range(rows):
        pitch, loud = draw.choice((300, 600, 2000, 3000)), draw.choice((0.1, 1.0))
        name = f"tones/{number}.wav"
        (folder / name).write_bytes(wav(loud * tone(pitch, 0.2 + 0.05 * draw.randrange(4))))
        asked = draw.choice(("how high is it", "how loud is it"))
        said = ("high" if pitch > 1000 else "low") if "high" in asked else ("loud" if loud == 1 else "soft")
        table.append((asked, name, pitch / 1000 if numbers else said))
    return write_csv(folder / "tones.csv", ("text", "audio", "label"), table)


def write_whisper(folder: Path) -> Path:
    """A Whisper that hears one second."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=8, num_mel_bins=16, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_source_positions=50,
        max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    WhisperModel(config).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16, chunk_length=1).save_pretrained(folder)
    return folder


def write_wav2vec(folder: Path) -> Path:
    """A Wav2Vec2 that hears sounds of any length."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, conv_dim=(16, 16),
        conv_stride=(10, 8), conv_kernel=(20, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def write_resnet(folder: Path) -> Path:
    import torch
    from transformers import ResNetConfig, ResNetModel
    from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=1.0).save_pretrained(folder)
    return folder
