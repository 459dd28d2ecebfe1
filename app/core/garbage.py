"""The garbage collector of a process that lives long."""

import gc


def rest_collector() -> None:
    """To be called once a process has started: what is there by now lives as long as it does, and is not searched for
    garbage on and on. That costs a tenth of ingest, and stops everything for a fifth of a second every few seconds
    while much is sent."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
