"""What a client of OpenAI's routes may ask, and what is refused: no parameter is ignored that would change the answer.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fastapi import Request

from luthier.errors import did_you_mean, shown
from luthier.language import t
from luthier.production.requests import Refusal, read_body
from luthier.production.served import Models, Served

if TYPE_CHECKING:
    from luthier.writing.generate import Generation

_WITHOUT_EFFECT = ("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
"""They say who asks, or what may be kept in a store that is not here: no answer hangs on them."""
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,), "frequency_penalty": (0,), "presence_penalty": (0,), "logit_bias": ({},), "store": (False,),
    "service_tier": ("auto", "default"),
}  # fmt: skip
_CHAT_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "logprobs": (False,), "top_logprobs": (), "response_format": ({"type": "text"},), "modalities": (["text"],),
    "parallel_tool_calls": (True,), "functions": ([],), "function_call": ("none",), "audio": (), "prediction": (),
    "reasoning_effort": (), "verbosity": ("medium",), "web_search_options": (), "moderation": (),
}  # fmt: skip
_TEXT_NEUTRAL: Mapping[str, tuple[Any, ...]] = {"logprobs": (), "best_of": (1,), "echo": (False,), "suffix": ("",)}
"""Parameters that are not supported, with the values that ask for nothing. None always does."""
_READ = ("model", "stream", "stream_options", "max_tokens", "temperature", "top_p", "stop", "seed")
CHAT = ("messages", "tools", "tool_choice", "max_completion_tokens")
TEXT = ("prompt",)
EMBEDDINGS = ("model", "input", "encoding_format", "dimensions", "input_type")
_MOST_STOPS = 4
_LARGEST_TEMPERATURE = 2.0


@dataclass(frozen=True)
class Wish:
    """How an answer is wanted. asked_most: the client's own limit of new tokens. count_at_end: whether the last piece
    of a stream tells the usage."""

    how: Generation
    stops: tuple[str, ...]
    stream: bool
    count_at_end: bool
    asked_most: int | None


def read_wish(body: Mapping[str, Any], usual: Generation, *, chat: bool) -> Wish:
    """usual: how the model was evaluated, which goes where the client does not say otherwise. Errors: Refusal."""
    neutral = {**_NEUTRAL, **(_CHAT_NEUTRAL if chat else _TEXT_NEUTRAL)}
    check_fields(body, (*_READ, *(CHAT if chat else TEXT)), neutral)
    stream = _value(body, "stream", _is_bool, t("true or false")) or False
    options = _value(body, "stream_options", lambda value: isinstance(value, dict), t("an object")) or {}
    if options and not stream:
        raise bad_value("stream_options", t("stream_options needs stream"))
    for name in options:
        if name not in ("include_usage", "include_obfuscation"):
            raise unknown(f"stream_options.{name}", ("include_usage",))
    if options.get("include_obfuscation"):
        raise unsupported("stream_options.include_obfuscation")
    count = _value(options, "include_usage", _is_bool, t("true or false"), "stream_options.")
    most = _most(body)
    how = _sampled(body, usual)
    if most is not None:
        how = replace(how, max_new_tokens=most)
    return Wish(how, _stops(body), stream, bool(count), most)


def check_fields(body: Mapping[str, Any], known: tuple[str, ...], neutral: Mapping[str, tuple[Any, ...]]) -> None:
    """Errors: Refusal for a field that nobody knows, and for one that is known and asks for what cannot be had."""
    for name, value in body.items():
        if name in known or name in _WITHOUT_EFFECT or (name in neutral and value is None):
            continue
        if name not in neutral:
            raise unknown(name, (*known, *neutral))
        if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in neutral[name]):
            raise unsupported(name)


async def read_asked(request: Request, models: Models) -> tuple[Served, Mapping[str, Any]]:
    """The model that is meant, and the body. Errors: Refusal where it is not named, or not served."""
    body = await read_body(request, models.most_request_bytes)
    if not isinstance(body, dict):
        raise Refusal(400, t("the body is no JSON object"), code="not-an-object")
    if body.get("model") is None:
        raise missing("model")
    return models.of(body["model"]), body


def missing(name: str) -> Refusal:
    return Refusal(400, t("the field {name} is missing", name=name), param=name, code="missing_required_parameter")


def bad_value(name: str, message: str) -> Refusal:
    return Refusal(400, message, param=name, code="invalid_value")


def unknown(name: str, known: tuple[str, ...]) -> Refusal:
    what = t("unknown field {name}", name=shown(name)) + "; " + did_you_mean(name, known)
    return Refusal(400, what, param=name, code="unknown_parameter")


def unsupported(name: str) -> Refusal:
    what = t("{name} is not supported by this server; leave it out", name=name)
    return Refusal(400, what, param=name, code="unsupported_parameter")


def _most(body: Mapping[str, Any]) -> int | None:
    """How many tokens the client allows, by either name."""
    found: int | None = None
    for name in ("max_tokens", "max_completion_tokens"):
        value = _value(body, name, lambda v: _is_int(v) and v >= 1, t("a whole number from 1"))
        if value is not None and found not in (None, value):
            raise bad_value(name, t("max_tokens and max_completion_tokens say different things"))
        found = value if value is not None else found
    return found


def _sampled(body: Mapping[str, Any], usual: Generation) -> Generation:
    """Drawn at random only where the client asks for it: what is served is what was evaluated."""
    limits = t("a number from 0 to {most}", most=_LARGEST_TEMPERATURE)
    temperature = _value(body, "temperature", lambda v: _is_number(v) and 0 <= v <= _LARGEST_TEMPERATURE, limits)
    within = t("a number above 0, at most 1")
    top_p = _value(body, "top_p", lambda v: _is_number(v) and 0 < v <= 1, within)
    seed = _value(body, "seed", _is_int, t("a whole number"))
    if temperature is None and top_p is not None and top_p < 1 and usual.temperature == 0:
        what = t("top_p changes nothing at temperature 0, which is the default here: give temperature, too")
        raise bad_value("top_p", what)
    changed: dict[str, Any] = {}
    if temperature is not None:
        changed["temperature"] = float(temperature)
    if top_p is not None:
        changed["top_p"] = float(top_p)
    if changed.get("temperature", usual.temperature) > 0:
        changed |= {"num_beams": 1, "seed": secrets.randbits(31) if seed is None else seed % 2**31}
    return replace(usual, **changed)


def _stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("stop")
    found = [value] if isinstance(value, str) else value
    if found is None:
        return ()
    right = isinstance(found, list) and all(isinstance(stop, str) and stop for stop in found)
    if not right or len(found) > _MOST_STOPS:
        raise bad_value("stop", t("stop is a text or a list of up to {most} texts, none empty", most=_MOST_STOPS))
    return tuple(found)


def _value(body: Mapping[str, Any], name: str, fits: Callable[[Any], bool], kind: str, before: str = "") -> Any:
    """None where it is not given. Errors: Refusal for a value of another kind."""
    value = body.get(name)
    if value is not None and not fits(value):
        raise bad_value(before + name, t("{name} is {value}; give {kind}", name=before + name, value=shown(value),
                                         kind=kind))  # fmt: skip
    return value


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
