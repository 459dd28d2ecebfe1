"""Every mouth and every ear."""

from tests.unity.customerio import Track, TrackBatch, TrackByCioId, TrackByEmail, TrackEntity
from tests.unity.graph import Graph, GraphBatch
from tests.unity.mouth import Mouth
from tests.unity.silocdp import SiloCDP, SiloCDPById, SiloCDPIdentify

MOUTHS: tuple[type[Mouth], ...] = (
    Graph,
    GraphBatch,
    SiloCDP,
    SiloCDPById,
    SiloCDPIdentify,
    Track,
    TrackByEmail,
    TrackByCioId,
    TrackEntity,
    TrackBatch,
)
EARS: tuple[type[Mouth], ...] = (Graph, SiloCDP)
"""The mouths that can tell. The Track API reads nothing: what was said there shows in the others."""
