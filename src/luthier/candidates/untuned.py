"""What a candidate knows of the answers untuned: a cross-validated probe and LogME on its features, or, of one that
writes, how likely it finds the right answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from luthier.candidates.logme import logme, targets_of
from luthier.candidates.score import FEWEST_ROWS, PROBE, bits, crossed, scored
from luthier.choosing.features import MOST_TOKENS
from luthier.data.findings import ERROR
from luthier.evaluation.baselines import whole_vectors
from luthier.evaluation.intervals import Evaluated
from luthier.inference.frozen import frozen_features
from luthier.inference.predict import predict
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.ready import Ready
from luthier.runtime import Runtime
from luthier.seen import Features
from luthier.whole_text import WholeText
from luthier.writer import Writer


@dataclass(frozen=True)
class Known:
    """rows: that were judged. score: None where `unscored` says why. logme: nats a row; None where it has no
    meaning."""

    rows: int
    score: Evaluated | None
    unscored: str = ""
    logme: float | None = None


def known(ready: Ready, sample: Prepared, runtime: Runtime, seed: int, screen: Progress) -> Known:
    """sample: of its training rows each is judged; its validation rows choose how strongly a probe is regularised."""
    task, examples = ready.codec.task, sample.split.train
    if isinstance(task, Writer):
        return _listened(ready, sample, runtime, seed, screen)
    if task.fits_untuned and len(examples) < FEWEST_ROWS:
        return Known(0, None, t("{count} training rows are too few to cross-validate", count=len(examples)))
    features = _looked(ready, sample, runtime, screen)
    said = crossed(task, examples, sample.split.validation, features, PROBE, seed, screen)
    if said is None:
        return Known(0, None, t("nothing cheap can be fitted to its features for this task"))
    answers = [example.answer for example in examples]
    targets_NK = targets_of(answers, task.format.stratum, task.format.number) if isinstance(task, WholeText) else None
    evidence = None if targets_NK is None else logme(whole_vectors(features)[: len(examples)], targets_NK)
    return Known(len(examples), scored(task, examples, said, seed), logme=evidence)


def _looked(ready: Ready, sample: Prepared, runtime: Runtime, screen: Progress) -> Features:
    """What the untuned model makes of all that the task asks about the rows, and of the validation rows."""
    codec, split = ready.codec, sample.split
    whole = isinstance(codec.task, WholeText)
    if whole:
        codec = replace(codec, text=replace(codec.text, max_length=min(codec.text.max_length, MOST_TOKENS)))
    asked = codec.task.questions(split.train)
    asked += codec.task.questions(split.validation) if codec.task.fits_untuned else []
    with screen.track(ready.folder.name, len(asked)) as tracker:
        return frozen_features(
            ready.loaded.model, codec, asked, runtime, max_tokens=ready.training.max_tokens, keep_states=not whole,
            apart=True, done=tracker.advance,
        )  # fmt: skip


def _listened(ready: Ready, sample: Prepared, runtime: Runtime, seed: int, screen: Progress) -> Known:
    """Nothing is written. Rows that the model cannot read are left out."""
    assert isinstance(ready.codec.task, Writer)
    codec = replace(ready.codec, task=replace(ready.codec.task, samples=0))
    _, findings = codec.task.taught(sample.split.train, codec.text)
    refused = {place for finding in findings for place in finding.rows if finding.severity == ERROR}
    examples = [example for example in sample.split.train if example.place not in refused]
    asked = codec.task.questions(examples)
    with screen.track(ready.folder.name, len(asked)) as tracker:
        said = predict(
            ready.loaded.model, codec, asked, device=runtime.device, max_tokens=ready.training.max_tokens,
            done=tracker.advance,
        )  # fmt: skip
    found = bits(codec.task, examples, codec.task.scored(examples, said), seed)
    unscored = "" if found else t("models that guess hidden tokens hide different ones: no score compares them")
    return Known(len(examples), found, unscored)
