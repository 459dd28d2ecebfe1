"""What a door refuses by itself, before any action is asked. Every dialect words these beside the errors of actions."""

from collections.abc import Iterable

from app.core.errors import Issue, RapportError, Unauthenticated


class UnknownPath(RapportError):
    """Nothing is served at this path."""

    code = "UNKNOWN_PATH"

    def __init__(self) -> None:
        super().__init__("There is nothing at this path.")


class MethodNotAllowed(RapportError):
    """The path exists, but not for this method; ``allowed`` are its methods."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"This path answers {', '.join(self.allowed)}.")


class BodyTooLarge(RapportError):
    """The body is longer than ``limit`` bytes."""

    code = "BODY_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        message = f"is longer than {limit} bytes"
        super().__init__(f"body: {message}", [Issue("body", message)])


class MissingCredential(Unauthenticated):
    """The endpoint is not public, and the request says nothing of who sends it."""

    def __init__(self) -> None:
        super().__init__("This needs a credential.")


class InternalError(RapportError):
    """A defect of ours. Says nothing but the id under which it was logged."""

    code = "INTERNAL"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"Something went wrong on our side. Please quote the request id {request_id}.")
