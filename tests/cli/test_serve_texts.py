"""luthier serve with a model that writes, in a process of its own."""

import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from production.helpers import saved, user
from tiny import TinyModels
from workflow.helpers import command


@pytest.mark.slow
def test_asked_to_stop_it_finishes_what_is_being_written(tmp_path: Path, models: TinyModels) -> None:
    saved("sft", models.causal, tmp_path, larger=4)
    words = command("serve", tmp_path / "sft", "--port", "0")
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().split()[-1]
        with httpx.Client(base_url=address, timeout=60) as client:
            begin = time.monotonic()
            while client.get("/health/ready").status_code != 200:
                assert time.monotonic() - begin < 60
                time.sleep(0.1)
            asked = {"model": "sft", "messages": user("hello"), "max_tokens": 400, "stream": True}
            events: list[str] = []
            with client.stream("POST", "/v1/chat/completions", json=asked) as reply:
                for line in reply.iter_lines():
                    events += [line] if line else []
                    if len(events) == 3:
                        server.send_signal(signal.SIGTERM)
        assert events[-1] == "data: [DONE]" and '"finish_reason": ' in events[-2]
        assert server.wait(30) == 0
        assert f"base_url={address}/v1 model=sft" in server.stdout.read()
    finally:
        server.kill()
