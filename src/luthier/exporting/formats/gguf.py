"""GGUF in half precision: what llama.cpp and its kin read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from luthier.errors import ConfigError, ModelError
from luthier.exporting.compare import apart, outputs_of
from luthier.exporting.exporter import Done, Exporter, Gate
from luthier.exporting.original import Original
from luthier.exporting.vocabulary import read_vocabulary
from luthier.inference.artifact import ADAPTER, Predictor
from luthier.language import t
from luthier.models.run import GGUF
from luthier.task import AnyTask

_ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""GGUF's names by the model_type of config.json."""
_INTERLEAVED = ("llama",)
"""Architectures of GGUF's that turn neighbouring numbers of a head together, where transformers turns halves."""


class Gguf(Exporter):
    needs: ClassVar[tuple[str, ...]] = ("torch", "transformers", "gguf")
    files: ClassVar[tuple[str, ...]] = (*Exporter.files, "config.json", "generation_config.json")
    kind: ClassVar[str] = "F16"
    """GGUF's name of how matrices are written; what is no matrix stays fp32."""
    bound: ClassVar[float] = 1e-2
    """Of the largest logit: fp16 rounds a weight by a two-thousandth of it at most."""

    def check(self, task: AnyTask, config: Mapping[str, Any], folder: Path) -> None:
        kind = str(config.get("model_type"))
        if task.auto_class != "AutoModelForCausalLM" or kind not in _ARCHITECTURES:
            what = t("{task} with a model of the type {kind} has no GGUF form here", task=task.name, kind=kind)
            known = ", ".join(_ARCHITECTURES)
            fix = t("it fits causal language models: {known}; use --format onnx or merged", known=known)
            raise ConfigError.at("--format", what, fix, code="conflict")
        turned = (config.get("rope_parameters") or config.get("rope_scaling") or {}).get("rope_type", "default")
        slides = bool(config.get("sliding_window")) and config.get("use_sliding_window", True)
        if turned != "default" or slides:
            kind = "sliding_window" if slides else f"rope_type {turned}"
            what = t("its attention reaches in a way ({kind}) that is not written here", kind=kind)
            raise ConfigError.at("--format", what, t("use --format merged"), code="conflict")
        if (folder / ADAPTER).is_dir():
            what = t("what was learned are virtual tokens before every input, which are no weights of the model")
            fix = t("serve the run itself, or train with tuning.method=lora")
            raise ConfigError.at("--format", what, fix, code="conflict")
        read_vocabulary(folder, int(config["vocab_size"]))

    def write(self, original: Original, folder: Path) -> Mapping[str, Any]:
        import gguf

        config = original.predictor.model.config
        writer = gguf.GGUFWriter(folder / GGUF, _ARCHITECTURES[config.model_type])
        writer.add_name(original.run.resolve().name)
        writer.add_file_type(getattr(gguf.LlamaFileType, f"MOSTLY_{self.kind}"))
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _add_sizes(writer, config)
        _add_vocabulary(writer, original, config)
        for name, values in _tensors(original.predictor.model):
            kind = self._kind(values)
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return {"architecture": _ARCHITECTURES[config.model_type], "matrices": self.kind}

    def judge(self, original: Original, exported: Predictor, folder: Path, max_loss: float, done: Done) -> Gate:
        count, wrong = self._read_back(original, folder)
        found, equal = apart(original, outputs_of(exported), done)
        passed = wrong is None and found.within(self.bound)
        said = t("{count} tensors read back as they were written; read by transformers, logits differ by "
                 "{furthest:.1e} of up to {largest:.1f}, and {equal:.1%} of the likeliest next tokens in what {rows} "
                 "{part} rows ask are the same",
                 count=count, furthest=found.furthest, largest=found.largest, equal=equal,
                 rows=len(original.examples), part=t(original.part))  # fmt: skip
        if wrong is not None:
            said = t("{name} does not read back as it was written", name=wrong)
        asked = t("at most {bound:g} of the largest logit is asked for", bound=self.bound)
        return Gate(passed, said if passed else f"{said}; {asked}", equal, found.furthest, self.bound)

    def _kind(self, values: np.ndarray) -> Any:
        import gguf

        return gguf.GGMLQuantizationType[self.kind if values.ndim > 1 else "F32"]

    def _read_back(self, original: Original, folder: Path) -> tuple[int, str | None]:
        """How many tensors the file has, and the first that is not what was written."""
        import gguf

        read = {tensor.name: tensor for tensor in gguf.GGUFReader(folder / GGUF).tensors}
        written = 0
        for name, values in _tensors(original.predictor.model):
            written += 1
            if name not in read:
                return len(read), name
            kind = self._kind(values)
            again = gguf.quants.dequantize(read[name].data, read[name].tensor_type).reshape(values.shape)
            if read[name].tensor_type != kind or not self.same(values, again):
                return len(read), name
        return len(read), None if len(read) == written else t("a tensor that nobody wrote")

    def same(self, values: np.ndarray, again: np.ndarray) -> bool:
        """Whether a tensor is what its kind makes of the values."""
        return np.array_equal(values.astype(np.float16) if values.ndim > 1 else values, again)


def _tensors(model: Any) -> Iterator[tuple[str, np.ndarray]]:
    """By GGUF's names, float32, as GGUF's architecture computes with them. Errors: ModelError for a weight that it has
    no name for."""
    from gguf import MODEL_ARCH_NAMES
    from gguf.tensor_mapping import get_tensor_name_map

    config, kind = model.config, _ARCHITECTURES[model.config.model_type]
    arch = next(number for number, name in MODEL_ARCH_NAMES.items() if name == kind)
    names = get_tensor_name_map(arch, config.num_hidden_layers)
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    for name, parameter in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue  # it is the embedding, and llama.cpp takes that where there is no other
        told = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if told is None:
            what = t("its weight {name} has no name in GGUF", name=name)
            raise ModelError.at(str(model.name_or_path), what, t("use --format merged"), code="no-form")
        values = parameter.detach().float().cpu().numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        yield told, interleaved(values, heads) if heads and kind in _INTERLEAVED else values


def interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head, of which the first half turns with the second, so that neighbours turn together (the two ways
    to write rotary embeddings, Su et al. 2021): 0, n/2, 1, n/2 + 1, …"""
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))


def _add_sizes(writer: Any, config: Any) -> None:
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_rope_dimension_count(size)
    writer.add_key_length(size)
    writer.add_value_length(size)


def _add_vocabulary(writer: Any, original: Original, config: Any) -> None:
    from luthier.models.load import load_tokenizer

    found = read_vocabulary(original.folder, config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(found.rule)
    writer.add_token_list(found.tokens)
    writer.add_token_types(found.kinds)
    writer.add_token_merges(found.merges)
    tokenizer = load_tokenizer(original.folder)
    wrapped: Any = tokenizer.wrapped
    ends = original.predictor.model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [wrapped.eos_token_id if ends is None else ends]
    if ends[0] is not None:
        writer.add_eos_token_id(ends[0])
    if len(ends) > 1:
        writer.add_eot_token_id(ends[1])
    if wrapped.bos_token_id is not None:
        writer.add_bos_token_id(wrapped.bos_token_id)
    writer.add_pad_token_id(tokenizer.pad_id)
    writer.add_add_bos_token(tokenizer.begins)
    if isinstance(wrapped.chat_template, str):
        writer.add_chat_template(wrapped.chat_template)
