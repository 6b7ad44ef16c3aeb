"""The words of charts: what a picture shows, why a point is special, how figures are written."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "chart_points": (
        ("{n} værdi fra {first} til {last}.", "{n} værdier fra {first} til {last}."),
        ("{n} value from {first} to {last}.", "{n} values from {first} to {last}."),
    ),
    "chart_missing": (
        ("{n} værdi er ukendt.", "{n} værdier er ukendte."),
        ("{n} value is unknown.", "{n} values are unknown."),
    ),
    "chart_picture_drafts": (
        ("{n} kladde", "{n} kladder"),
        ("{n} draft", "{n} drafts"),
    ),
    "chart_drafts": (
        ("{n} værdi er en kladde, som ingen har godkendt.",
         "{n} værdier er kladder, som ingen har godkendt."),
        ("{n} value is a draft that nobody has approved.",
         "{n} values are drafts that nobody has approved."),
    ),
}  # fmt: skip

PAGE: Final[Mapping[str, Pair]] = {
    # How figures and periods are written.
    "decimal": (",", "."),
    "thousands": (".", ","),
    "chart_day": ("{day}. {month} {year}", "{day} {month} {year}"),
    "chart_day_short": ("{day}. {month}", "{day} {month}"),
    "chart_week": ("uge {week} {year}", "week {week} {year}"),
    "chart_week_short": ("uge {week}", "week {week}"),
    "chart_month": ("{month} {year}", "{month} {year}"),
    "chart_from_to": ("{first} til {last}", "{first} to {last}"),
    # At the lines.
    "chart_upper": ("øvre {value}", "upper {value}"),
    "chart_lower": ("nedre {value}", "lower {value}"),
    "chart_centre_mean": ("middel {value}", "mean {value}"),
    "chart_centre_median": ("median {value}", "median {value}"),
    "chart_target": ("mål {value}", "target {value}"),
    # The sentence.
    "chart_empty": ("Ingen kendte værdier.", "No known values."),
    "chart_says_limits": (
        "Middelværdien er {centre}; det sædvanlige er {lower} til {upper}.",
        "The mean is {centre}; what is usual is {lower} to {upper}.",
    ),
    "chart_says_median": (
        "Medianen er {centre}; der er for få værdier, eller de varierer for lidt, til grænser.",
        "The median is {centre}; there are too few values, or they vary too little, for limits.",
    ),
    "chart_says_limits_since": (
        "Siden grænserne sidst blev beregnet forfra, er middelværdien {centre}; det sædvanlige er "
        "{lower} til {upper}.",
        "Since limits were last made anew the mean is {centre}; what is usual is {lower} to "
        "{upper}.",
    ),
    "chart_says_median_since": (
        "Siden medianen sidst blev beregnet forfra, er den {centre}; der er for få værdier, eller "
        "de varierer for lidt, til grænser.",
        "Since the median was last made anew it is {centre}; there are too few values, or they "
        "vary too little, for limits.",
    ),
    "chart_special": ("Mere end tilfældigt: {signals}.", "More than chance: {signals}."),
    "chart_signal": ("{when}, {why} ({meaning})", "{when}, {why} ({meaning})"),
    "chart_common": (
        "Intet er mere end tilfældig variation.",
        "Nothing is more than chance variation.",
    ),
    "chart_runs": (
        "Værdierne ligger længere tid på én side af midterlinjen, eller krydser den sjældnere, "
        "end tilfældet giver.",
        "The values stay on one side of the centre line for longer, or cross it less often, than "
        "chance gives.",
    ),
    "chart_provisional": (
        "Nogle af grænserne er foreløbige: de hviler på færre end 13 værdier.",
        "Some of the limits are provisional: they rest on fewer than 13 values.",
    ),
    "chart_target_pass": (
        "Målet {target} nås altid, så længe intet ændres.",
        "The target {target} is always met as long as nothing changes.",
    ),
    "chart_target_fail": (
        "Målet {target} nås aldrig, medmindre noget ændres.",
        "The target {target} is never met unless something changes.",
    ),
    "chart_target_hit_or_miss": (
        "Om målet {target} nås, er tilfældigt fra gang til gang.",
        "Whether the target {target} is met is chance from time to time.",
    ),
    # Why a point is special.
    "chart_rule_outside_above": ("over den øvre grænse", "above the upper limit"),
    "chart_rule_outside_below": ("under den nedre grænse", "below the lower limit"),
    "chart_rule_trend_above": ("del af syv eller flere stigende værdier",
                               "part of seven or more rising values"),
    "chart_rule_trend_below": ("del af syv eller flere faldende værdier",
                               "part of seven or more falling values"),
    "chart_rule_two_of_three_above": ("to af tre tæt på den øvre grænse",
                                      "two of three close to the upper limit"),
    "chart_rule_two_of_three_below": ("to af tre tæt på den nedre grænse",
                                      "two of three close to the lower limit"),
    "chart_rule_shift_above": ("syv eller flere i træk over middel",
                               "seven or more in a row above the mean"),
    "chart_rule_shift_below": ("syv eller flere i træk under middel",
                               "seven or more in a row below the mean"),
    "chart_means_improvement": ("forbedring", "improvement"),
    "chart_means_concern": ("bekymring", "concern"),
    "chart_means_high": ("usædvanligt højt", "unusually high"),
    "chart_means_low": ("usædvanligt lavt", "unusually low"),
    # Legend and table.
    "chart_rebased": ("grænserne beregnes forfra herfra", "limits are made anew from here"),
    "chart_table": ("Tal: {title}", "Figures: {title}"),
    "chart_period": ("Periode", "Period"),
    "chart_value": ("Værdi", "Value"),
    "chart_mean": ("Middel", "Mean"),
    "chart_median": ("Median", "Median"),
    "chart_limits": ("Sædvanligt", "Usual"),
    "chart_remark": ("Bemærkning", "Remark"),
    "chart_unknown": ("ukendt", "unknown"),
    "chart_draft": ("kladde", "draft"),
    "chart_means_draft": ("kladde, ikke godkendt", "draft, not approved"),
}  # fmt: skip
