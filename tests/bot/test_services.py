"""The service catalogue: what it says, and how a faulty file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.people import services
from bot.people.services import NONE, ServicesError

SHOP = """\
apiVersion: sayso.services/v1
services:
  checkout: {team: shop, owners: S0SHOP0001}
  web:
    team: front
    owners: S0FRONT001
    account: "123456789012"
"""


def test_a_service_has_the_team_and_the_owners_people_wrote_down() -> None:
    known = services.load(SHOP)

    assert (known.team("checkout"), known.owners("checkout"), known.account("checkout")) == ("shop", "S0SHOP0001", "")
    assert (known.team("web"), known.owners("web"), known.account("web")) == ("front", "S0FRONT001", "123456789012")


def test_a_service_nobody_wrote_down_has_neither() -> None:
    for known in (services.load(SHOP), NONE):
        assert (known.team("Checkout"), known.owners("Checkout"), known.account("Checkout")) == ("", None, "")


@pytest.mark.parametrize(
    ("target", "reported", "behind"),
    [
        ("checkout", "checkout", "checkout"),
        ("checkout", "web", "checkout"),
        ("orders", "web", "web"),
        ("orders", "unheard-of", "unheard-of"),
        ("orders", None, "orders"),
    ],
)
def test_the_target_decides_whose_service_it_is_where_people_wrote_it_down(
    target: str, reported: str | None, behind: str
) -> None:
    assert services.load(SHOP).behind(target, reported) == behind


PLACES = """\
environments:
  prod: [shop, payments-*]
  staging: ["*-staging", eu-central-1]
"""


@pytest.mark.parametrize(
    ("place", "environment"),
    [
        ("shop", "prod"),
        ("payments-eu", "prod"),
        ("shop-staging", "staging"),
        ("eu-central-1", "staging"),
        ("Shop", "dev"),
        ("orders", "dev"),
        ("payments-staging", ""),
    ],
)
def test_a_place_people_wrote_down_is_where_they_said_whatever_an_alert_says(place: str, environment: str) -> None:
    assert services.load(PLACES).environment(place, "dev") == environment


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "environments:\n  prod: [Shop]",
            "services.yaml:2: environments.prod: 0: is no environment, namespace or region: "
            "lower-case letters, digits, hyphens",
        ),
        ("", "services.yaml:1: the file is not a mapping"),
        ("- checkout", "services.yaml:1: the file is not a mapping"),
        ("servises: {}", "services.yaml:1: servises: unknown key"),
        ("services: []", "services.yaml:1: services: Input should be a valid dictionary"),
        ("apiVersion: v2\nservices: {}", "services.yaml:1: apiVersion: Input should be 'sayso.services/v1'"),
        ("services:\n  a: {owners: S0SHOP0001}", "services.yaml:2: services.a: team is missing"),
        ("services:\n  a: {team: shop}", "services.yaml:2: services.a: owners is missing"),
        (
            "services:\n  a:\n    team: shop\n    owners: shop-people",
            "services.yaml:4: services.a: owners: must be the id of a Slack user group, such as S0PAYMENTS1, "
            "and not its name",
        ),
        (
            "services:\n  a: {team: Shop, owners: S0SHOP0001}",
            "services.yaml:2: services.a: team: must be lower-case letters, digits and hyphens",
        ),
        (
            "services:\n  a: {team: shop, owners: S0SHOP0001, account: '123'}",
            "services.yaml:2: services.a: account: must be the twelve digits of an AWS account, in quotes",
        ),
        (
            "services:\n  a: {team: shop, owners: S0SHOP0001}\n  b*: {team: shop, owners: S0SHOP0001}",
            "services.yaml:3: services.b*: is not the name of a service: no spaces and no patterns",
        ),
        (
            "services:\n  a: {team: shop, owners: S0SHOP0001, onwers: x}",
            "services.yaml:2: services.a: onwers: unknown key",
        ),
        (
            "services:\n  a: {team: shop, owners: S0SHOP0001}\n  a: {team: web, owners: S0FRONT001}",
            "services.yaml:3: the key 'a' stands here again, after line 2",
        ),
        ("services:\n  a:\n", "services.yaml:2: a value is missing here"),
    ],
)
def test_a_faulty_catalogue_is_refused_with_its_line_and_reason(text: str, complaint: str) -> None:
    with pytest.raises(ServicesError) as caught:
        services.load(text)

    assert complaint in str(caught.value).splitlines()


def test_a_catalogue_in_a_file_is_read_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SHOP)

    assert services.read(None) == NONE
    assert services.read(tmp_path / "mine.yaml").team("web") == "front"
    with pytest.raises(ServicesError, match="cannot be read"):
        services.read(tmp_path / "other.yaml")
