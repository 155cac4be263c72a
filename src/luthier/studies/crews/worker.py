"""A process that tries trainings for a search: `python -m luthier.studies.crews.worker FD`, begun by crew.py alone."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

from luthier.errors import InterruptedRun


def main(descriptor: int) -> None:
    """descriptor: of the line to the process that began this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(os.getppid())
    line = Connection(descriptor)
    try:
        prepared, looks = pickle.loads(line.recv_bytes())
        from luthier.studies.crews.attempt import try_job

        def told(share: float, goodness: float) -> str:
            line.send_bytes(pickle.dumps((share, goodness)))
            return pickle.loads(line.recv_bytes())

        while True:
            job = pickle.loads(line.recv_bytes())
            line.send_bytes(pickle.dumps(try_job(job, prepared, looks, told)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody is there any more
    except InterruptedRun as interrupted:
        sys.exit(interrupted.exit_code)


def _end_with(parent: int) -> None:
    """A step may take long, and nobody would hear what comes of it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
