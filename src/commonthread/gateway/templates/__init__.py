"""Templates that drafts begin from: what such an agreement usually says, with places to fill.

A template is a TOML file here. It names the parts that partners play (`council`, `hospital`), and
writes the agreement with those names; `Template.draft` puts partners in their places and counts
its days from the start. What a template cannot know is left out and stands in `asks`: the drafting
pages say what is missing. Nothing of a template governs.
"""

from .sixteen import SIXTEEN, Clause, unexpressed
from .template import Ask, Place, Template, template, templates

__all__ = [
    "SIXTEEN",
    "Ask",
    "Clause",
    "Place",
    "Template",
    "template",
    "templates",
    "unexpressed",
]
