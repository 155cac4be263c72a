"""The example image: pinned, without root, without keys, asked for its health. Docker itself is not run."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parents[2] / "examples" / "serving"


def instructions() -> list[tuple[str, str]]:
    text = (HERE / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in whole]


def test_images_and_packages_are_pinned() -> None:
    for name, rest in instructions():
        if name == "FROM":
            assert re.match(r"[a-z]+:\d+\.\d+\.\d+-", rest), rest
    packages = (HERE / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert len(packages) > 30 and all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in packages)
    assert not any(line.startswith("torch") for line in packages)


def test_it_runs_without_root_without_a_shell_and_says_whether_it_is_well() -> None:
    last = max(i for i, (name, _) in enumerate(instructions()) if name == "FROM")
    final = dict(instructions()[last:])
    assert int(final["USER"]) >= 1000
    assert json.loads(final["ENTRYPOINT"])[:2] == ["luthier", "serve"] and "0.0.0.0" in json.loads(final["CMD"])
    health = final["HEALTHCHECK"]
    assert "/health/ready" in health
    compile(json.loads(health.partition("CMD")[2])[2], "health", "exec")
    assert final["STOPSIGNAL"] == "SIGTERM" and "KEY" not in final["ENV"]


def test_nothing_goes_in_but_what_it_is_made_of() -> None:
    ignored = (HERE / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored and {"src", "pyproject.toml"} <= allowed
    copied = {
        word for name, rest in instructions() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]
    }
    assert {word.replace("${MODEL}", "shop-model") for word in copied} == allowed
