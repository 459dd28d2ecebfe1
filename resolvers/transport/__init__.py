"""The graph on the wire: GraphQL over HTTP, ``graphql-transport-ws``, server-sent events and GraphiQL.

endpoint      the ASGI application served at /graphql
|-- http      one request, one answer
|-- sse       one request, a stream of answers
|-- websocket many operations over one socket
|-- graphiql  a page for people
`-- parameters, documents, media, callers, connections, refusals: what they share
"""

from resolvers.transport.endpoint import GraphQLEndpoint

__all__ = ["GraphQLEndpoint"]
