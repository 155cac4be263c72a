"""The remedy where the user left it open: chosen once, and written down, so that a resume does not choose anew."""

from __future__ import annotations

import json

import numpy as np

from luthier import announce
from luthier.balancing.compare import Comparison, Plan, candidate_names, compare_remedies
from luthier.config.write import resolved_config
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.probing import AnyFrozen
from luthier.progress import Progress
from luthier.ready import Ready, with_remedy
from luthier.runfolder import BALANCE, CONFIG, RunFolder
from luthier.runtime import Runtime


def choose_remedy(
    owned: RunFolder, ready: Ready, prepared: Prepared, frozen: AnyFrozen | None, runtime: Runtime, screen: Progress
) -> Ready:
    """Compares all remedies on the first process, tells all, and writes balance.json and config.yaml anew.

    frozen: None on processes that did not look.
    """
    found = None if frozen is None else compare(ready, frozen, screen)
    comparison: Comparison = runtime.gather(found)[0]
    ready = with_remedy(ready, comparison.chosen, comparison.reason)
    if runtime.is_first:
        announce.remedies(comparison, ready, prepared, screen)
        with disk_trouble(owned.path):
            write_text(owned.path / BALANCE, json.dumps(comparison.as_json(), ensure_ascii=False, indent=1))
            write_text(owned.path / CONFIG, resolved_config(ready.settings, ready.choices))
    runtime.wait()
    return ready


def compare(ready: Ready, frozen: AnyFrozen, screen: Progress) -> Comparison:
    seen = [frozen.train, *([frozen.validation] if frozen.validation else [])]
    validation = len(frozen.validation.examples) if frozen.validation else 0
    how = ready.training
    plan = Plan(ready.counts, how.epochs, how.seed, validation)
    names = candidate_names(moving=plan.validation > 0)
    with screen.track(t("comparing remedies against imbalance"), len(names)) as tracker:
        return compare_remedies(
            ready.codec, np.concatenate([part.features.vectors for part in seen]),
            [answer for part in seen for answer in part.answers], plan, lambda name: tracker.advance(1, name),
        )  # fmt: skip
