"""The graph on the wire: GraphQL over HTTP, ``graphql-transport-ws``, server-sent events and GraphiQL.

endpoint      the ASGI application served at /graphql
|-- http      one request, one answer
|-- sse       one request, a stream of answers
|-- websocket many operations over one socket
|-- graphiql  a page for people
|-- visitors  the same for widgets on other people's pages, served at /widget/graphql
`-- parameters, documents, media, callers, connections, refusals: what they share
"""

from resolvers.transport.endpoint import GraphQLEndpoint
from resolvers.transport.visitors import VisitorsEndpoint

__all__ = ["GraphQLEndpoint", "VisitorsEndpoint"]
