"""What is counted of a server, for Prometheus: GET /metrics. No label comes from what a client sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from luthier.recording.recorder import Recorder

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_INPUTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_OTHER = "other"


class Meters:
    """waiting: how many inputs wait now, in all models together. recorder: of answers, where there is one."""

    def __init__(self, waiting: Callable[[], int], recorder: Recorder | None = None) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter("luthier_requests", "Requests by route and status", ["route", "code"], registry=own)
        self._shed = Counter("luthier_shed", "Requests refused with 503: loading, full, late, ending", registry=own)
        self._seconds = Histogram(
            "luthier_request_seconds", "Seconds from the request to the end of its reply", ["route"],
            buckets=_SECONDS, registry=own,
        )  # fmt: skip
        self._turns = Histogram(
            "luthier_batch_inputs", "Inputs the model answered at once", buckets=_INPUTS, registry=own
        )
        self._turn_seconds = Histogram("luthier_batch_seconds", "Seconds of one turn of the model",
                                       buckets=_SECONDS, registry=own)  # fmt: skip
        Gauge("luthier_waiting", "Inputs that wait or are being answered", registry=own).set_function(waiting)
        ProcessCollector(registry=self._registry)
        if recorder is not None:
            own.register(_Recorded(recorder))

    def replied(self, route: str | None, status: int, seconds: float) -> None:
        """route: as it is declared, with its {names}; None for a path that there is not."""
        self._requests.labels(route or _OTHER, str(status)).inc()
        self._seconds.labels(route or _OTHER).observe(seconds)
        if status == 503:
            self._shed.inc()

    def turn(self, inputs: int, seconds: float) -> None:
        self._turns.observe(inputs)
        self._turn_seconds.observe(seconds)

    def add_route(self, app: FastAPI) -> None:
        @app.get("/metrics")
        async def metrics() -> Response:
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class _Recorded:
    """What a recorder counts itself."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterator[Metric]:
        own = self._recorder
        yield CounterMetricFamily("luthier_recorded", "Inputs recorded with their answers", value=own.recorded)
        yield CounterMetricFamily("luthier_record_dropped", "Inputs answered and not recorded", value=own.dropped)
        yield GaugeMetricFamily("luthier_record_works", "1 where the database takes what is recorded", value=own.works)
