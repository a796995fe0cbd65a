"""Synonyms of tags and the slug they are stored under.

Only names with the same meaning in every article belong here: as a tag, `us` is the country; `who` is ambiguous. A new
name takes effect for articles when they are enriched, and for queries immediately.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NAMES: Final[dict[str, str]] = {
    "United States": "us usa u-s u-s-a united-states-of-america the-united-states",
    "United Kingdom": "uk u-k great-britain the-uk the-united-kingdom",
    "European Union": "eu e-u the-eu the-european-union",
    "United Nations": "un u-n uno the-un the-united-nations",
    "United Arab Emirates": "uae u-a-e",
    "South Korea": "republic-of-korea",
    "North Korea": "dprk",
    "Czech Republic": "czechia",
    "Türkiye": "turkey",
    "Côte d’Ivoire": "ivory-coast",
    "NATO": "north-atlantic-treaty-organization north-atlantic-treaty-organisation",
    "World Health Organization": "world-health-organisation",
    "International Monetary Fund": "imf",
    "European Central Bank": "ecb",
    "Federal Reserve": "the-fed us-federal-reserve",
    "White House": "the-white-house",
    "World News": "worldnews",
    "US News": "usnews",
    "UK News": "uknews",
    "US Politics": "uspolitics american-politics",
    "UK Politics": "ukpolitics british-politics",
    "US Elections": "us-election uselection uselections",
    "Artificial Intelligence": "ai a-i",
    "Climate Change": "climatechange",
    "Human Rights": "humanrights",
    "COVID-19": "covid covid19 coronavirus corona-virus sars-cov-2",
    "Cryptocurrency": "cryptocurrencies crypto cryptos",
    "Stock Market": "stockmarket stock-markets",
    "Real Estate": "realestate",
    "Health Care": "healthcare",
    "Social Media": "socialmedia",
    "Cybersecurity": "cyber-security",
    "Technology": "tech",
}
"""Label of a tag, and the slugs of its other names."""

_SLUGS: Final[dict[str, str]] = {"Türkiye": "turkiye", "Côte d’Ivoire": "cote-divoire"}

ALIASES: Final[Mapping[str, tuple[str, str]]] = {
    alias: (_SLUGS.get(label, label.lower().replace(" ", "-")), label)
    for label, aliases in _NAMES.items()
    for alias in aliases.split()
}
"""Slug of another name -> slug and label of the tag."""
