"""The reference is made of the program: all of it is there, in both languages, and making it loads nothing heavy."""

import inspect
import json
import os
import re
import subprocess
import sys

import pytest

import luthier
from docs.pages import DOCS, ROOT, translation
from luthier import api, catalog
from luthier.config.settings import task_options

sys.path.insert(0, str(ROOT / "tools"))
from reference import codes, settings

PYTHON = DOCS / "reference" / "python.md"


def test_every_key_every_name_and_every_option_is_listed() -> None:
    page = settings.page()
    for section in ("data", "train", "search", "distil"):
        assert f"## {section}\n" in page
    assert "| `train.warmup` | a share from 0 to below 1, or auto | `auto` | share of the steps" in page
    for name in catalog.task_names():
        options = task_options(catalog.task(name))
        assert f"`task={name}`" in page and all(f"| `task.{key}` | `{name}` |" in page for key in options)
    for name in catalog.tuning_names():
        assert all(f"| `tuning.{key}` | `{name}` |" in page for key in catalog.tuning_options(name))
    for name in catalog.remedy_names():
        assert f"`balance={name}`" in page


@pytest.mark.slow
def test_every_code_that_the_page_on_data_names_is_listed_with_what_is_said() -> None:
    found = codes.codes()
    table = (DOCS / "data.md").read_text(encoding="utf-8").partition("## What is found")[2].partition("\nAbove")[0]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", table))
    assert len(named) > 70 and len(found) > 200
    assert not {code for code in named if code not in found or not found[code].what}
    leak = next(line for line in codes.page().splitlines() if "`split-leak`" in line)
    assert "every {part} row stands in the training data too" in leak


@pytest.mark.slow
def test_it_is_made_in_chinese_too_and_without_torch() -> None:
    words = "import sys, runpy; runpy.run_module('reference', run_name='__main__'); assert 'torch' not in sys.modules"
    paths = os.pathsep.join(str(ROOT / name) for name in ("tools", "src"))
    variables = {**os.environ, "LUTHIER_LANG": "zh", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", words], env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert set(made) == {"codes", "commands", "settings"}
    assert all(len(re.findall("[\u4e00-\u9fff]", page)) > 500 for page in made.values())
    assert "## luthier train" in made["commands"] and "`--resume`" in made["commands"]


def test_every_function_of_the_library_is_on_the_page_with_its_arguments_explained_in_both_languages() -> None:
    english, chinese = (page.read_text(encoding="utf-8") for page in (PYTHON, translation(PYTHON)))
    assert set(re.findall(r"^::: luthier\.api\.(\w+)", english, re.M)) == set(luthier.__all__)
    for name in luthier.__all__:
        told = re.search(rf"^### luthier\.{name}\n\n(.+?)\n\n:::", chinese, re.M | re.S)
        assert told, name
        for argument in inspect.signature(getattr(api, name)).parameters:
            assert f"`{argument}`" in told[1], (name, argument)
    returned = re.findall(r"^::: (luthier\.[\w.]+)\.([A-Z]\w+)$", english, re.M)
    assert returned == re.findall(r"^::: (luthier\.[\w.]+)\.([A-Z]\w+)$", chinese, re.M)
    annotations = {str(inspect.signature(getattr(api, name)).return_annotation) for name in luthier.__all__}
    assert {name for _, name in returned} == annotations
