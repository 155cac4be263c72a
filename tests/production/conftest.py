from collections.abc import Iterator
from typing import Any

import pytest

from production.helpers import MOST, Server, saved, serving
from tiny import TinyModels


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Iterator[Server]:
    """With a model that writes up to MOST tokens, and what it writes hangs on what it is asked."""
    predictor = saved("sft", models.causal, tmp_path_factory.mktemp("served"), larger=4, max_new_tokens=MOST)
    with serving(predictor) as server:
        yield server


@pytest.fixture(scope="package")
def client(server: Server) -> Any:
    """OpenAI's own."""
    return server.client()
