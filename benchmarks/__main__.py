"""``make bench``: Rapport and its peers in one run. ``ARGS="graph ingest"`` runs some parts only.

graph    nested and one-row queries against stock Strawberry and Node (Fastify, Mercurius with JIT), on one Postgres
ingest   single events, acknowledged after the commit, against an empty route of the same server
batches  batches of 100 events against a bare executemany of the same rows
fanout   one message to 1,000 sockets against Node (graphql-ws) and stock Strawberry, and memory per socket
conversations  200 at once: from acknowledgement to both screens
memory   the idle server, and each of 1,000 open subscriptions
segments ingest with 50 live segments, how soon a membership is seen, a whole build against SQL by hand
sending  a campaign of 20,000 personal e-mails to the outbox and over SMTP, transactional ones meanwhile
"""

import sys
from collections.abc import Callable

from benchmarks import batches, conversations, fanout, graph, ingest, memory, segments, sending
from benchmarks.load import missing_wrk
from tests.servers import ServerMissing, Servers

PARTS: dict[str, Callable[[Servers], None]] = {
    "graph": graph.run,
    "ingest": ingest.run,
    "batches": batches.run,
    "fanout": fanout.run,
    "conversations": conversations.run,
    "memory": memory.run,
    "segments": segments.run,
    "sending": sending.run,
}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    if missing_wrk():
        sys.exit("the benchmark needs wrk: apt-get install wrk")
    servers = Servers({}, durable=True)
    try:
        for name in wanted:
            print(f"\n## {name}\n", flush=True)
            PARTS[name](servers)
    except ServerMissing as missing:
        sys.exit(f"the benchmark needs a Postgres to start: {missing}")
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
