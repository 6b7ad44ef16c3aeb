"""The words of tables that are carried away: what each is, and what its columns hold."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}

_TABLES: Final[Mapping[str, Pair]] = {
    "tables_fetch": ("Hent tabellen:", "Download the table:"),
    "tables_board": ("Hent denne tavle:", "Download this board:"),
    "tables_changes": ("Hent døgnets ændringer:", "Download the day’s changes:"),
    "tables_indicators": ("Hent alle tal:", "Download all figures:"),
    "tables_profile": ("Ugens timer:", "Hours of the week:"),
    "tables_csv": ("CSV", "CSV"),
    "tables_xlsx": ("Excel", "Excel"),
    "tables_parquet": ("Parquet", "Parquet"),
    "table_sheet": ("Tal", "Figures"),
    "table_definition": ("Definition", "Definition"),
    "table_is": ("Tabel", "Table"),
    "table_row_is": ("En række er", "One row is"),
    "table_empty": ("Tom celle", "Empty cell"),
    "table_empty_told": (
        "Ukendt, eller der er intet at sige. Det er aldrig 0.",
        "Unknown, or nothing to be said. It is never 0.",
    ),
    "table_of": ("Klynge", "Cluster"),
    "table_place": ("Kommune", "Municipality"),
    "table_period": ("Periode", "Period"),
    "table_period_told": ("{first} til {last}", "{first} to {last}"),
    "table_moment": ("Tidspunkt", "Moment"),
    "table_made": ("Dannet", "Made"),
    "table_choice": ("Udvalg", "Choice"),
    "table_column": ("Kolonne", "Column"),
    "table_kind": ("Indhold", "Kind"),
    "table_meaning": ("Betydning", "Meaning"),
    "table_text": ("tekst", "text"),
    "table_whole": ("helt tal", "whole number"),
    "table_number": ("tal", "number"),
    "table_instant": ("tidspunkt, UTC", "instant, UTC"),
    "table_clock": ("tidspunkt, dansk tid", "time by the Danish clock"),
    "table_day": ("dato", "day"),
    "table_indicators": ("Indikatorer", "Indicators"),
    "table_indicators_told": (
        "en indikator i en periode, med diagrammets linjer",
        "one indicator in one period, with the lines of its chart",
    ),
    "table_profile": ("Indikatorer over ugens timer", "Indicators by hour of the week"),
    "table_profile_told": (
        "en indikator i en af ugens timer, over alle dage i perioden",
        "one indicator in one hour of the week, over all days of the period",
    ),
    "table_ledger": ("Kald og ledige pladser", "Calls and free places"),
    "table_ledger_told": (
        "et kald: hvad det førte til, ved siden af det, tavlen viste i samme minut",
        "one call: what it led to, beside what the board showed at that minute",
    ),
    "table_outcomes": ("Udfald af kald", "Outcomes of calls"),
    "table_outcomes_told": (
        "et kald, med det udfald der gælder nu",
        "one call, with the outcome that counts now",
    ),
    "table_changes": ("Ændringer på tavlen", "Changes of the board"),
    "table_changes_told": (
        "et tidspunkt, hvor ét tilbud ændrede sig, med tallene derefter",
        "one moment at which one unit changed, with its figures from then on",
    ),
    "table_board": ("Tavlen på et tidspunkt", "The board at a moment"),
    "table_board_told": (
        "et tilbud, som tavlen viste det",
        "one unit as the board showed it",
    ),
    "table_imports": ("Registertal", "Figures of registers"),
    "table_imports_told": (
        "en udgave af et tal; en rettelse er en ny udgave, og den tidligere bliver stående",
        "one version of a figure; a correction is a further version, and the earlier one stays",
    ),
}

_COLUMNS: Final[Mapping[str, Pair]] = {
    "column_alternatives": (
        "De alternativer, der afgør gruppen, ved navn (højst fem)",
        "The alternatives that make the class, by name (five at most)",
    ),
    "column_approved_at": ("Hvornår tallet blev godkendt", "When it was approved"),
    "column_approved_role": ("Rollen hos den, der godkendte", "The role of whoever approved it"),
    "column_approved_by": (
        "De konti, der godkendte registertallet",
        "The accounts that approved the register’s figure",
    ),
    "column_at": ("Hvornår, i UTC", "When, in UTC"),
    "column_at_local": ("Det samme efter dansk ur", "The same by the Danish clock"),
    "column_capabilities": (
        "Kompetencer, der blev spurgt efter, adskilt af mellemrum",
        "Capabilities that were asked for, separated by blanks",
    ),
    "column_centre": ("Diagrammets midterlinje", "The chart’s centre line"),
    "column_change": (
        "figures: andre tal; confirmed: de samme tal, bekræftet; stale: tallet blev forældet; "
        "left: tilbuddet forlod tavlen",
        "figures: other figures; confirmed: the same figures, confirmed; stale: the figure went "
        "stale; left: the unit left the board",
    ),
    "column_checked_at": ("Hvornår tallet blev kontrolleret", "When it was checked"),
    "column_checked_role": (
        "Rollen hos den, der kontrollerede",
        "The role of whoever checked it",
    ),
    "column_changes": (
        "Ændringer, der er noteret i perioden, med dato",
        "Changes noted in the period, with their days",
    ),
    "column_checked_by": (
        "De konti, der kontrollerede registertallet",
        "The accounts that checked the register’s figure",
    ),
    "column_closed": ("Lukkede pladser", "Closed places"),
    "column_cluster": ("Klyngens id", "The cluster’s id"),
    "column_comments": (
        "Bemærkninger til kaldet, med rolle",
        "Comments on the call, with the role of who made them",
    ),
    "column_corrections": ("Hvor mange gange udfaldet er rettet", "How often it was corrected"),
    "column_counts": ("Definition: hvad der tælles", "Definition: what is counted"),
    "column_current": (
        "1: den udgave, der gælder; 0: rettet siden",
        "1: the version that counts; 0: corrected since",
    ),
    "column_cursor": (
        "Ændringens nummer i strømmen; tom, hvor tiden ændrede noget",
        "The change’s number in the stream; empty where time changed something",
    ),
    "column_denominator": (
        "Nævneren (millisekunder eller antal)",
        "The denominator (milliseconds or counts)",
    ),
    "column_earlier": (
        "Registertallets tidligere værdier, og til hvornår de gjaldt",
        "Earlier values of the register’s figure, and until when they held",
    ),
    "column_excludes": ("Definition: hvad der er udeladt", "Definition: what is left out"),
    "column_finding": (
        "Kaldets gruppe: missed, stale, ask, none, not_judged, no_history, used, other",
        "The call’s class: missed, stale, ask, none, not_judged, no_history, used, other",
    ),
    "column_first_outcome": ("Udfaldet, som det først blev noteret", "What was logged at first"),
    "column_first_reason": ("Årsagen, som den først blev noteret", "The reason given at first"),
    "column_free": ("Ledige pladser, der kan tages nu", "Free places that can be taken now"),
    "column_freshness": (
        "Hvor langt tallene kunne bruges: fresh, ageing, stale (så er de udeladt), unknown",
        "How far figures could be trusted: fresh, ageing, stale (then left out), unknown",
    ),
    "column_held": ("Pladser, der holdes for et kald", "Places held for a call"),
    "column_hold": ("Reservationens id", "The hold’s id"),
    "column_hour": (
        "Ugens time: klokkeslættet den begynder på, 0 til 23, dansk tid",
        "The hour of the day by the Danish clock, 0 to 23",
    ),
    "column_id": ("Kaldets id", "The call’s id"),
    "column_imported_at": ("Hvornår tallet kom ind", "When it came in"),
    "column_imported_by": ("Kontoen, der afleverede det", "The account that handed it in"),
    "column_imported_role": (
        "Rollen hos den, der afleverede det",
        "The role of whoever handed it in",
    ),
    "column_indicator": ("Indikatorens id", "The indicator’s id"),
    "column_kind": ("Tilbuddets art", "The unit’s kind"),
    "column_lower": ("Diagrammets nedre grænse", "The chart’s lower limit"),
    "column_matching": (
        "Hvor mange alternativer der afgør gruppen",
        "How many alternatives make the class",
    ),
    "column_meaning": (
        "Hvad det særlige betyder: forbedring, bekymring, eller blot højt eller lavt",
        "What the special cause means: improvement, concern, or just high or low",
    ),
    "column_measured": ("Hvad værdien måles i", "What the value is measured in"),
    "column_municipality": ("Kommunens kode", "The municipality’s code"),
    "column_missing": (
        "Hvor mange registertal der mangler i perioden",
        "How many of the register’s figures the period lacks",
    ),
    "column_name": ("Definition: indikatorens navn", "Definition: the indicator’s name"),
    "column_note": ("Tilbuddets bemærkning på tavlen", "The unit’s note on the board"),
    "column_numerator": (
        "Tælleren (millisekunder eller antal)",
        "The numerator (milliseconds or counts)",
    ),
    "column_observed_at": (
        "Hvornår tallene var sande hos kilden",
        "When the figures were true at the source",
    ),
    "column_occupied": ("Optagne pladser", "Occupied places"),
    "column_organisation": ("Organisationens id", "The organisation’s id"),
    "column_outcome": ("Udfaldets kode", "The outcome’s code"),
    "column_per": ("Definition: af hvad eller i hvad", "Definition: of what, or in what"),
    "column_period": ("Periodens første dag", "The first day of the period"),
    "column_reason": ("Årsagens kode", "The reason’s code"),
    "column_reasons": (
        "Hvad der afgjorde hvert alternativ, som koder",
        "What decided each alternative, as codes",
    ),
    "column_received_at": ("Hvornår tallene kom", "When the figures came in"),
    "column_register": ("Registret, tallet er fra", "The register it is from"),
    "column_reserved": ("Reserverede pladser", "Reserved places"),
    "column_role": ("Rollen hos den, der noterede det", "The role of whoever logged it"),
    "column_rule": (
        "Hvorfor punktet er mere end tilfældigt; tom, hvor det ikke er",
        "Why the point is more than chance; empty where it is not",
    ),
    "column_side": ("Over eller under midterlinjen", "Above or below the centre line"),
    "column_since": ("Periodens første dag", "The first day of the period"),
    "column_source": ("Definition: hvor tallene er fra", "Definition: where figures are from"),
    "column_source_feed": ("Kilden, der meldte tallene", "The source that told the figures"),
    "column_staffed": ("Bemandede pladser", "Staffed places"),
    "column_stale_at": ("Hvornår tallene er forældede", "When the figures go stale"),
    "column_state": ("Tilbuddets tilstand", "The unit’s state"),
    "column_step": ("Periodens længde: day, week, month", "How long a period is: day, week, month"),
    "column_surge_level": ("Klyngens beredskabstrin", "The cluster’s surge level"),
    "column_took_seconds": ("Hvor længe kaldet tog, i sekunder", "How long the call took, seconds"),
    "column_total": ("Pladser i alt", "Places in all"),
    "column_unit": ("Tilbuddets id", "The unit’s id"),
    "column_unit_name": ("Tilbuddets navn", "The unit’s name"),
    "column_unknown": (
        "Andelen af tiden, som ingen kan sige noget om, 0 til 1",
        "The share of the time that nobody can tell of, 0 to 1",
    ),
    "column_until": ("Periodens sidste dag", "The last day of the period"),
    "column_upper": ("Diagrammets øvre grænse", "The chart’s upper limit"),
    "column_validation": (
        "Hvor langt tallet er valideret: draft, checked, approved",
        "How far the figure is validated: draft, checked, approved",
    ),
    "column_value": ("Værdien; tom, hvor den ikke kendes", "The figure; empty where not known"),
    "column_version": ("Udgavens nummer, fra 1", "The version’s number, from 1"),
    "column_weekday": ("Ugedagen, 1 er mandag", "The day of the week, 1 is Monday"),
    "column_where": ("Hvor: place, home eller either", "Where: place, home or either"),
    "column_within_minutes": ("Hvor snart, i minutter", "How soon, in minutes"),
}

PAGE: Final[Mapping[str, Pair]] = {**_TABLES, **_COLUMNS}
