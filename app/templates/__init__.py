"""The template brain: Liquid that tenants write, made into messages. Pure: it opens no connection."""

from app.templates.compiling import Template, compile_content, one_line
from app.templates.context import Person, context_of, customer_of
from app.templates.words import LONGEST_BODY, LONGEST_OUTPUT, Source, TemplateFailed, Tracking

__all__ = [
    "LONGEST_BODY",
    "LONGEST_OUTPUT",
    "Person",
    "Source",
    "Template",
    "TemplateFailed",
    "Tracking",
    "compile_content",
    "context_of",
    "customer_of",
    "one_line",
]
