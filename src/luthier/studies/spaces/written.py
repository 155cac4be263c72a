"""The space that the user wrote under search.space, each mistake in it told at its place before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from luthier.config.located import Located, replaced
from luthier.config.schema import NAME_KEYS
from luthier.config.settings import check_settings, known_keys, opened
from luthier.errors import ConfigError, Place, Problem, did_you_mean, shown
from luthier.language import t
from luthier.studies.spaces.space import OPTIONS_OF, Dimension

_ENDS = ("low", "high", "log")
_HELD = ("data", "out", "search", "train.seed", "train.precision", "task.name")
"""What every trial shares: the rows, the machine, and what is compared at all."""


def read_space(root: Located) -> tuple[Dimension, ...]:
    """root: all that the user wrote. Those that name methods come first; none where no space is written.

    Errors: ConfigError with all that is wrong.
    """
    root = opened(root)
    node = root.find(["search", "space"])
    written = root.section().get("search")
    if written is None or "space" not in written.section() or not node.section():
        return ()
    found: dict[str, Dimension] = {}
    problems: list[Problem] = []
    for key, values in node.section().items():
        try:
            dimension = _dimension(_full(key), values)
            if dimension.key in found:
                what = t("{key} stands here a second time", key=shown(key))
                raise ConfigError.at(values.place, what, t("keep one of the two"), code="duplicate-key")
            found[dimension.key] = dimension
        except ConfigError as error:
            problems += error.problems
    naming = {f"{section}.{name}" for section, name in NAME_KEYS.items()}
    dimensions = tuple(sorted(found.values(), key=lambda dimension: dimension.key not in naming))
    base = Located({key: value for key, value in root.section().items() if key != "search"}, root.place)
    for dimension in dimensions:
        problems += _unusable(dimension, node.section(), dimensions, base)
    if problems:
        raise ConfigError(*problems)
    return dimensions


def _full(key: str) -> str:
    """`tuning` is short for tuning.method."""
    return f"{key}.{NAME_KEYS[key]}" if key in NAME_KEYS else key


def _dimension(key: str, node: Located) -> Dimension:
    for held in _HELD:
        if key == held or key.startswith(f"{held}."):
            what = t("{key} is the same for all trials", key=shown(key))
            raise ConfigError.at(node.place, what, t("search other keys, such as train.learning_rate"), code="conflict")
    if isinstance(node.value, list):
        return _choices(key, node)
    if not isinstance(node.value, dict):
        what = t("{key} is {value}, nothing to choose from", key=shown(key), value=shown(node.plain()))
        fix = t("write a list such as [16, 32], or {example}", example="{low: 1e-5, high: 1e-3, log: true}")
        raise ConfigError.at(node.place, what, fix, code="bad-value")
    return _range(key, node)


def _choices(key: str, node: Located) -> Dimension:
    values = [choice.plain() for choice in node.value]
    unlike = [value for i, value in enumerate(values) if value not in values[:i]]
    if len(unlike) < 2 or len(unlike) < len(values):
        what = t("{key} has no two values to choose from, or one of them twice", key=shown(key))
        raise ConfigError.at(node.place, what, t("name at least two different ones"), code="bad-value")
    return Dimension(key, tuple(values))


def _range(key: str, node: Located) -> Dimension:
    section = node.section()
    for name, value in section.items():
        if name not in _ENDS:
            what, inner = t("unknown setting '{key}'", key=name), f"{key.removesuffix('.method')}.{name}"
            nested = inner in known_keys() or inner.partition(".")[0] in OPTIONS_OF
            fix = t("write it as one key: {key}", key=inner) if nested else did_you_mean(name, _ENDS)
            raise ConfigError.at(value.place, what, fix, code="unknown-key")
    if not {"low", "high"} <= set(section):
        missing = "low" if "low" not in section else "high"
        what = t("{key} has no '{missing}'", key=shown(key), missing=missing)
        fix = t("write a list such as [16, 32], or {example}", example="{low: 1e-5, high: 1e-3, log: true}")
        raise ConfigError.at(node.place, what, fix, code="bad-value")
    low, high = section["low"], section["high"]
    for end in (low, high):
        if isinstance(end.value, bool) or not isinstance(end.value, (int, float)):
            what = t("{key} is {value}", key=key, value=shown(end.plain()))
            raise ConfigError.at(end.place, what, t("it wants {wanted}", wanted=t("a number")), code="bad-value")
    log = section["log"].value if "log" in section else False
    if not isinstance(log, bool):
        what = t("{key} is {value}", key=f"{key}: log", value=shown(log))
        wanted = t("true or false")
        raise ConfigError.at(section["log"].place, what, t("it wants {wanted}", wanted=wanted), code="bad-value")
    if not low.value < high.value:
        what = t("{key}: low {low} is not below high {high}", key=key, low=low.plain(), high=high.plain())
        raise ConfigError.at(high.place, what, t("exchange them"), code="bad-value")
    if log and low.value <= 0:
        what = t("{key}: a range that is searched by ratios begins above 0", key=key)
        raise ConfigError.at(low.place, what, t("raise low, or leave log out"), code="bad-value")
    whole = isinstance(low.value, int) and isinstance(high.value, int)
    return Dimension(key, (), low.value, high.value, log, whole)


def _unusable(
    dimension: Dimension, section: dict[str, Located], dimensions: tuple[Dimension, ...], base: Located
) -> list[Problem]:
    """What the settings themselves say of the values. An option must suit at least one of the methods in the space."""
    key = dimension.key
    written = next(node for name, node in section.items() if _full(name) == key)
    if key.count(".") and key.partition(".")[0] not in {*NAME_KEYS, "train"}:
        known = [name for name in known_keys() if name.partition(".")[0] in {"train", "model"}]
        return [Problem(written.place, t("unknown setting '{key}'", key=key), did_you_mean(key, known), "unknown-key")]
    found: list[Problem] = []
    for value in _values(written):
        tries = [_problems(value, key, with_method) for with_method in _methods(dimension, dimensions, base)]
        if all(tries):
            found += tries[-1]
    unique = {(str(problem.place), problem.what): problem for problem in found}
    return [*unique.values(), *_moving(dimension, written)]


def _values(written: Located) -> Iterator[Located]:
    if isinstance(written.value, list):
        yield from written.value
    else:
        yield from (written.value["low"], written.value["high"])


def _methods(dimension: Dimension, dimensions: tuple[Dimension, ...], base: Located) -> list[Located]:
    """The settings with each method that the section's option may meet."""
    section = dimension.key.partition(".")[0]
    if section not in OPTIONS_OF or dimension.key == f"{section}.{NAME_KEYS[section]}":
        return [_without_options(base, section)] if section in OPTIONS_OF else [base]
    named = f"{section}.{NAME_KEYS[section]}"
    for other in dimensions:
        if other.key == named:
            bare = _without_options(base, section)
            return [replaced(bare, named.split("."), Located(c, Place(named))) for c in other.choices]
    return [base]


def _without_options(base: Located, section: str) -> Located:
    """With the section's method alone: what another method does not know is left out of a trial."""
    node = base.section().get(section)
    if node is None:
        return base
    kept = {name: value for name, value in node.section().items() if name == NAME_KEYS[section]}
    return replaced(base, [section], Located(kept, node.place))


def _problems(value: Located, key: str, base: Located) -> list[Problem]:
    try:
        check_settings(replaced(base, key.split("."), value))
    except ConfigError as error:
        return list(error.problems)
    return []


def _moving(dimension: Dimension, written: Located) -> list[Problem]:
    """A remedy that moves decisions on the validation rows cannot be judged by these."""
    if dimension.key != "balance.method":
        return []
    from luthier import catalog

    found: list[Problem] = []
    for value in written.value if isinstance(written.value, list) else ():
        name: Any = value.plain()
        if name == catalog.AUTO:
            fix = t("name the remedies: {names}", names=", ".join(catalog.remedy_names()))
            found.append(Problem(value.place, t("balance=auto is a choice of its own"), fix, "conflict"))
        elif name in catalog.remedy_names() and catalog.remedy(name)((1, 1)).moves_decisions:
            what = t("{name} is placed on the validation rows after training, and trials are judged by the same rows",
                     name=shown(name))  # fmt: skip
            found.append(Problem(value.place, what, t("leave it out of the search"), "conflict"))
    return found
