"""The settings of signing in at an identity provider, and the rules that make roles of claims."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capacity.config_file import ConfigError
from capacity.settings import Settings
from tests.support.oidc import RULES
from web.auth.claims import RoleRule, check_rules, granted, rules_of
from web.roles import Role


def _with(**more: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "public_url": "https://akut.example.dk",
        "oidc_issuer": "https://login.example.dk",
        "oidc_client_id": "akut",
        "oidc_roles": RULES,
    }
    return whole | more


def test_whole_settings_are_taken() -> None:
    assert Settings.model_validate(_with()).oidc_issuer == "https://login.example.dk"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"public_url": None}, "AKUTOVERBLIK_PUBLIC_URL"),
        ({"oidc_client_id": ""}, "AKUTOVERBLIK_OIDC_CLIENT_ID"),
        ({"oidc_roles": []}, "AKUTOVERBLIK_OIDC_ROLES"),
        ({"oidc_issuer": None}, "AKUTOVERBLIK_OIDC_ISSUER"),
        ({"oidc_issuer": "http://login.example.dk"}, "must begin with https://"),
        ({"public_url": "http://akut.example.dk"}, "must begin with https://"),
        ({"oidc_scope": "profile"}, "openid"),
    ],
)
def test_half_settings_are_refused_together(change: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Settings.model_validate(_with(**change))


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"OIDC_ISSUER": "https://login.example.dk"}, "needs AKUTOVERBLIK_PUBLIC_URL, "),
        (
            {
                "OIDC_ISSUER": "https://login.example.dk",
                "OIDC_CLIENT_ID": "akut",
                "PUBLIC_URL": "https://akut.example.dk",
                "OIDC_ROLES": '[{"claim": "groups", "value": "x", "role": "king"}]',
            },
            "AKUTOVERBLIK_OIDC_ROLES: rule[0].role: ",
        ),
    ],
)
def test_serve_says_what_is_missing_before_it_starts(
    tmp_path: Path, environment: dict[str, str], word: str
) -> None:
    named = {f"AKUTOVERBLIK_{name}": value for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", "serve"],
        env=os.environ | {"AKUTOVERBLIK_DATA": str(tmp_path / "d")} | named,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_rule_that_fits_decides() -> None:
    rules = rules_of(RULES)
    assert granted({"groups": ["lead", "visitator"]}, rules) == granted(
        {"groups": "visitator"}, rules
    )
    found = granted({"akut": {"role": "nurse"}}, rules)
    assert found is not None
    assert (found.role, found.organisation) == (Role.MUNICIPAL_STAFF, "favrskov-kommune")
    dotted = granted({"akut.role": ["nurse"]}, rules)
    assert dotted == found


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": []},
        {"groups": "visitators"},
        {"groups": ["VISITATOR"]},
        {"groups": {"visitator": True}},
        {"groups": [["visitator"]]},
        {"groups": None},
        {"groups": 1},
        {"akut": "nurse"},
        {"akut": {"role": {"nurse": 1}}},
        {"akut": ["role", "nurse"]},
    ],
)
def test_what_is_not_quite_a_rules_value_grants_nothing(claims: dict[str, object]) -> None:
    assert granted(claims, rules_of(RULES)) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"claim": "", "value": "x", "role": "operator"},
        {"claim": "groups", "value": "", "role": "operator"},
        {"claim": "groups", "value": "x", "role": "wall"},
        {"claim": "groups", "value": "x", "role": "integrator"},
        {"claim": "groups", "value": "x", "role": "operator", "admin": True},
        {"claim": "groups", "value": "x"},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"AKUTOVERBLIK_OIDC_ROLES: rule\[0\]"):
        rules_of([rule])


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"role": "visitator"}, "organisation: is missing"),
        ({"role": "visitator", "organisation": "nowhere"}, "'nowhere' is not in"),
        ({"role": "coordinator", "clusters": ("atlantis",)}, "'atlantis' is not in"),
        ({"role": "coordinator"}, "clusters: is missing"),
    ],
)
def test_rules_must_fit_the_catalogue(rule: dict[str, object], word: str) -> None:
    from capacity.catalogue import builtin_catalogue

    made = RoleRule.model_validate({"claim": "groups", "value": "x", **rule})
    with pytest.raises(ConfigError, match=word):
        check_rules([made], builtin_catalogue())
