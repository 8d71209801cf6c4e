"""In every template: `{{ text|told }}` says a sentence of the engine in the reader's language."""

from __future__ import annotations

from django import template

from sync.views.telling import tell

register = template.Library()
register.filter("told", tell)
