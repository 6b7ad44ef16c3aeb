"""How one cluster is spoken of on a day: the words, its title, and what its units can do.

Terms change by law and date, so they are looked up for the moment that is shown.
"""

from datetime import datetime

from capacity.units import Catalogue
from web.words import Lang, Words


def words_of(catalogue: Catalogue, now: datetime, lang: Lang) -> Words:
    """The texts, with the catalogue's word of the day for acute places."""
    term = catalogue.term("acute_place", now)
    if term is None:
        return Words(lang)
    return Words(lang, (term.da, term.da_plural) if lang == "da" else (term.en, term.en_plural))


def title_of(catalogue: Catalogue, cluster_id: str, now: datetime, words: Words) -> str:
    """The grouping's name with the word of the day: a cluster until 2027, a council after."""
    term = catalogue.term("cluster", now)
    kind = words.text("cluster") if term is None else term.da if words.lang == "da" else term.en
    return f"{catalogue.clusters[cluster_id].name} {kind}"


def abilities_of(catalogue: Catalogue, cluster_id: str, lang: Lang) -> dict[str, str]:
    """Code and name of the capabilities that some unit of the cluster has, in catalogue order."""
    had = {code for unit in catalogue.units_of(cluster_id) for code in unit.capabilities}
    return {
        code: term.da if lang == "da" else term.en
        for code, term in catalogue.capabilities.items()
        if code in had
    }
