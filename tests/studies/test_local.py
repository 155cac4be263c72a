"""Workers on this machine: one that is killed is heard of and replaced, and they share the cores."""

import pytest

from luthier.looks import Looks
from luthier.studies.crews.local import Ended, Event, LocalCrew, Lost, surroundings
from luthier.studies.crews.outcome import FAILED, Job
from studies.made import settings


def heard(crew: LocalCrew) -> Event:
    for _ in range(600):
        for event in crew.events(0.2):
            return event
    raise AssertionError("nothing was heard")


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_a_trial_that_breaks_tells_of_itself() -> None:
    crew = LocalCrew(1, None, Looks())  # without data every trial breaks
    try:
        crew.give(0, Job("0", settings("task=classification")))
        crew._workers[0].process.kill()
        lost = heard(crew)
        assert isinstance(lost, Lost) and "killed (signal 9)" in lost.reason
        crew.give(0, Job("0", settings("task=classification")))
        ended = heard(crew)
    finally:
        crew.close()
    assert isinstance(ended, Ended) and ended.outcome.state == FAILED and "AttributeError" in ended.outcome.reason
    assert crew._workers[0].process.poll() is not None  # nobody is left behind


def test_workers_beside_each_other_share_the_cores_and_take_the_gpus_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert surroundings(0, 1) == {}  # one alone has the whole machine
    assert surroundings(2, 3)["OMP_NUM_THREADS"] == "2" and surroundings(2, 3)["CUDA_VISIBLE_DEVICES"] == "4"
    assert surroundings(1, 3)["CUDA_VISIBLE_DEVICES"] == "5"
