"""The OpenAPI 3.1 document of a dialect, made from the declarations that also parse and answer."""

import re
from collections.abc import Iterable
from types import FunctionType
from typing import Any, cast

from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from openapi_pydantic.v3.v3_1 import (
    Components,
    Header,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    RequestBody,
    Response,
    Schema,
    Tag,
)
from pydantic import BaseModel

from app.core.errors import RapportError
from app.rest.door.declaration import Dialect, Endpoint

AnyEndpoint = Endpoint[Any, Any]
PATH_PARAMETER = re.compile(r"\{(\w+)\}")
REQUEST_ID = Header(description="Names this request in our logs.", schema=Schema(type="string"))


def openapi_document(dialect: Dialect, root: str) -> dict[str, Any]:
    """The document as JSON values; ``root`` is the path under which the dialect is served here."""
    document = OpenAPI(
        openapi="3.1.0",
        info=Info(title=dialect.title, description=dialect.description, version="1"),
        tags=[Tag(name=name) for name in dict.fromkeys(endpoint.tag for endpoint in dialect.endpoints)],
        paths=_paths(dialect),
        components=Components(securitySchemes=dict(dialect.security)),
    )
    complete = construct_open_api_with_schema_class(document)
    values = complete.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    values["servers"] = [{"url": root or "/"}]
    for schema in values["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
    return values


def _paths(dialect: Dialect) -> dict[str, PathItem]:
    paths: dict[str, PathItem] = {}
    for endpoint in dialect.endpoints:
        item = paths.setdefault(endpoint.path, PathItem())
        setattr(item, endpoint.method.lower(), _operation(dialect, endpoint))
    return paths


def _operation(dialect: Dialect, endpoint: AnyEndpoint) -> Operation:
    description = f"Needs the scope `{endpoint.scope.value}`." if endpoint.scope else None
    return Operation(
        operationId=cast(FunctionType, endpoint.handler).__name__,
        tags=[endpoint.tag],
        summary=endpoint.summary,
        description="Needs no credential." if endpoint.public else description,
        parameters=[
            *_path_parameters(dialect, endpoint),
            *_query_parameters(endpoint),
            *_header_parameters(dialect, endpoint),
        ]
        or None,
        requestBody=_request_body(endpoint),
        responses=_responses(dialect, endpoint),
        security=[] if endpoint.public else [{name: []} for name in dialect.security],
    )


def _path_parameters(dialect: Dialect, endpoint: AnyEndpoint) -> Iterable[Parameter]:
    for name in PATH_PARAMETER.findall(endpoint.path):
        plain = {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        yield Parameter.model_validate({**plain, **dialect.parameters.get(name, {})})


def _query_parameters(endpoint: AnyEndpoint) -> Iterable[Parameter]:
    if endpoint.query is None:
        return
    schema = endpoint.query.model_json_schema()
    for name, field in schema["properties"].items():
        described = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        about = field.pop("description", None)
        field.pop("title")
        yield Parameter.model_validate({**described, "description": about, "schema": field})


def _header_parameters(dialect: Dialect, endpoint: AnyEndpoint) -> Iterable[Parameter]:
    if endpoint.public:
        return
    for name, about in dialect.request_headers.items():
        said = {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
        yield Parameter.model_validate(said)


def _request_body(endpoint: AnyEndpoint) -> RequestBody | None:
    if endpoint.streams:
        form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
        return RequestBody.model_validate({"required": True, "content": {"multipart/form-data": {"schema": form}}})
    if endpoint.body is None:
        return None
    return RequestBody(content={"application/json": _media(endpoint.body)}, required=True)


def _responses(dialect: Dialect, endpoint: AnyEndpoint) -> dict[str, Response]:
    success = Response(description="Done.", headers={"X-Request-Id": REQUEST_ID})
    if endpoint.status != 204 and not endpoint.silent:
        success.content = {"application/json": _media(dialect.envelope_model(endpoint.response))}
    responses = {str(endpoint.status): success}
    responses |= {str(status): _further(model) for status, model in endpoint.further.items()}
    model = endpoint.error_model or dialect.error_model
    for error, words in dialect.words.items():
        if error is not RapportError and str(words.status) not in responses:
            responses[str(words.status)] = _refused(dialect, error, words.status, model)
    return dict(sorted(responses.items()))


def _further(model: type[BaseModel]) -> Response:
    return Response(description="Done in part.", content={"application/json": _media(model)})


def _refused(dialect: Dialect, error: type[RapportError], status: int, model: type[BaseModel]) -> Response:
    summary = (error.__doc__ or "").replace("``", "`").split("\n", 1)[0].split(". ", 1)[0].rstrip(".") + "."
    if status in dialect.text_statuses:
        return Response(description=summary, content={"text/plain": MediaType(schema=Schema(type="string"))})
    return Response(description=summary, content={"application/json": _media(model)})


def _media(model: type[BaseModel]) -> MediaType:
    return MediaType(schema=PydanticSchema(schema_class=model))
