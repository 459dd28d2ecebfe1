"""What Prometheus may ask: one registry for the process, and the series that every floor counts into."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

REQUESTS = Counter("rapport_requests", "Requests answered.", ["door", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "rapport_request_seconds",
    "From a request's first byte to its answer.",
    ["door"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
UNIT_SECONDS = Histogram(
    "rapport_unit_of_work_seconds",
    "Units of work, from opening to their end; mode is read or write.",
    ["mode"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
GROUP_COMMIT_ITEMS = Histogram(
    "rapport_group_commit_items", "Requests of ingest that shared one commit.", buckets=_SIZES, registry=REGISTRY
)
OPEN_SOCKETS = Gauge("rapport_open_sockets", "Subscription connections.", ["transport"], registry=REGISTRY)
LISTENERS = Gauge("rapport_listeners", "Subscriptions that wait for a topic of the feed.", registry=REGISTRY)
HUB_REBUILDS = Counter("rapport_hub_rebuilds", "Times the wire of hints died and was built anew.", registry=REGISTRY)
JOBS = Counter("rapport_jobs", "Ended runs of jobs.", ["kind", "outcome"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    "rapport_job_seconds", "Runs of jobs.", ["kind"], buckets=(*_SECONDS, 30.0, 60.0, 300.0), registry=REGISTRY
)

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Every series in Prometheus' text format; serve it as :data:`CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
