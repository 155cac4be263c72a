"""A search on a Ray cluster of two machines, one of which loses its worker midway. Starting Ray is what costs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.config.settings import read_settings
from luthier.errors import ConfigError
from luthier.progress import SILENT, Tracker
from luthier.studies.crews.cluster import _share
from luthier.studies.crews.conduct import conduct
from luthier.studies.crews.outcome import Job
from luthier.studies.ledger import Ledger
from luthier.studies.trials import Trials
from luthier.training.stopping.signals import Interruption
from tiny import ticket_rows, write_csv, write_tiny_models


def test_each_worker_takes_its_share_of_the_smallest_machine_and_no_more_than_there_are() -> None:
    def node(cores: int, gpus: int = 0, alive: bool = True) -> dict[str, Any]:
        return {"Alive": alive, "Resources": {"CPU": float(cores), "GPU": float(gpus)}}

    assert _share([node(8), node(4), node(64, alive=False)], 2) == {"num_cpus": 4}
    assert _share([node(8), node(4)], 3) == {"num_cpus": 4}
    assert _share([node(8), node(3)], 3) == {"num_cpus": 3}
    assert _share([node(8, 2)], 4) == {"num_cpus": 2, "num_gpus": 0.5}
    with pytest.raises(ConfigError, match="13 workers are more than the 12 cores"):
        _share([node(8), node(4)], 13)


MARK = f"LUTHIER_TEST_OF={os.getpid()}"
"""In the environment of this cluster's processes, so that no other is ended."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    from ray.cluster_utils import Cluster

    os.environ.update([MARK.split("=")])
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield str(made.address)
    made.shutdown()


class Killing(Trials):
    """Trials whose second one loses its worker's process at its first evaluation."""

    killed = ""

    def told(self, job: Job, share: float, goodness: float) -> str:
        if not self.killed and job.name == "1":
            self.killed = job.name
            os.kill(_asking(), signal.SIGKILL)
        return super().told(job, share, goodness)


def _asking() -> int:
    """The process of a worker of this cluster that is at a trial."""
    for process in Path("/proc").iterdir():
        try:
            at_work = process.name.isdigit() and (process / "cmdline").read_bytes().startswith(b"ray::Trier")
            if at_work and MARK.encode() in (process / "environ").read_bytes():
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("no worker is at work")


@pytest.mark.slow
def test_a_trial_whose_worker_is_killed_is_done_elsewhere_and_the_search_ends_whole(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.preparing.prepare import prepare
    from luthier.studies.beginning import begin, read_asked, withheld
    from luthier.studies.crews.cluster import RayCrew

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_tiny_models(tmp_path / "models")
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(60))
    words = [f"data.train={data}", f"model={tmp_path / 'models' / 'encoder'}", "train.precision=fp32", "balance=none",
             "tuning.method=last_layers", "train.epochs=2", "search.space.tuning.n=[1, 2, 3]", "search.ray=auto",
             "search.space.train.learning_rate={low: 1e-3, high: 1e-2, log: true}"]  # fmt: skip
    asked = read_asked(read_settings(None, words))
    beginning = begin(asked, withheld(prepare(asked.settings)), SILENT)
    ledger = Ledger(tmp_path / "trials.log", beginning.space, beginning.settings, beginning.rates)
    crew = RayCrew(cluster, 2, beginning.prepared, beginning.looks)
    try:
        trials = Killing(ledger, 4, 3600, SILENT, Tracker())
        conduct(crew, trials, Interruption())
    finally:
        crew.close()
    records = ledger.records()
    assert trials.killed == "1" and [record.number for record in records] == [0, 1, 2, 3]
    assert [record.outcome.state for record in records if record.outcome] == ["done"] * 4


@pytest.mark.slow
def test_where_no_cluster_answers_it_is_said_with_the_remedy() -> None:
    from luthier.studies.crews.cluster import RayCrew

    with pytest.raises(ConfigError, match=r"(?s)no Ray cluster answers at '127.0.0.1:1'.*ray start --head"):
        RayCrew("127.0.0.1:1", 1, None, None)
