"""The template brain: Liquid that tenants write, made into messages. Pure: it opens no connection."""

from app.templates.checking import Warned
from app.templates.compiling import Template, check_layout, check_snippet, compile_content, one_line
from app.templates.context import Person, context_of, customer_of
from app.templates.pieces import snippets_in
from app.templates.words import LONGEST_BODY, LONGEST_OUTPUT, Recipe, Source, TemplateFailed, Tracking

__all__ = [
    "LONGEST_BODY",
    "LONGEST_OUTPUT",
    "Person",
    "Recipe",
    "Source",
    "Template",
    "TemplateFailed",
    "Tracking",
    "Warned",
    "check_layout",
    "check_snippet",
    "compile_content",
    "context_of",
    "customer_of",
    "one_line",
    "snippets_in",
]
