"""Who is asking, and may they: tokens to identities, and Role-Based Access Control over the stored roles.

kubectl sends no token over plain HTTP, so on this loopback stand-in an identity may also come as Impersonate-User
without any token; a kubeconfig from here names both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from deploy.sandbox.cluster.api.calls import Request
from deploy.sandbox.cluster.objects.refusals import forbidden, unauthorized
from deploy.sandbox.cluster.objects.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
)
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.objects.store import Store

HOME = "sayso"
"""The namespace of the two service accounts."""
_TOKEN = "sandbox-token"
_ACCOUNT = "system:serviceaccount:"


class Identity(StrEnum):
    """The identities a kubeconfig can be had for."""

    ADMIN = "admin"
    READER = "reader"
    WRITER = "writer"

    @property
    def user(self) -> str:
        """The user name the API server knows the identity by."""
        return "admin" if self is Identity.ADMIN else f"{_ACCOUNT}{HOME}:sayso-{self}"

    @property
    def token(self) -> str:
        """The bearer token; made up, and worth nothing anywhere else."""
        return _TOKEN if self is Identity.ADMIN else account_token(HOME, f"sayso-{self}")


@dataclass(frozen=True)
class Ask:
    """One thing somebody wants to do."""

    verb: str
    group: str
    resource: str
    """With the subresource after a slash."""
    namespace: str = ""
    name: str = ""


def account_token(namespace: str, name: str) -> str:
    """The token of a service account."""
    return f"{_TOKEN}:{namespace}:{name}"


class Access:
    """Authentication and authorisation. Switched off, everybody is the administrator."""

    def __init__(self, store: Store, enabled: bool) -> None:
        self._store = store
        self._enabled = enabled

    def user_of(self, request: Request) -> str:
        """Who sends a request, or 401."""
        scheme, _, token = request.header("authorization").partition(" ")
        user = self._user_of_token(token) if scheme.lower() == "bearer" else ""
        claimed = request.header("impersonate-user")
        if claimed and (user in ("", claimed, Identity.ADMIN.user)):
            user = claimed
        if not user and self._enabled:
            raise unauthorized()
        return user or Identity.ADMIN.user

    def check(self, user: str, ask: Ask) -> None:
        """Let the ask pass, or 403."""
        if self.allows(user, ask):
            return
        where = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
        text = f'User "{user}" cannot {ask.verb} resource "{ask.resource}" in API group "{ask.group}" {where}'
        raise forbidden(ask.resource.split("/")[0], ask.group, ask.name, text)

    def allows(self, user: str, ask: Ask) -> bool:
        """Whether any rule bound to a user covers an ask."""
        if not self._enabled or user == Identity.ADMIN.user:
            return True
        return any(_covers(rule, ask) for rule in self._rules(user, ask.namespace))

    def _user_of_token(self, token: str) -> str:
        if token == Identity.ADMIN.token:
            return Identity.ADMIN.user
        prefix, _, account = token.partition(":")
        namespace, _, name = account.partition(":")
        known = prefix == _TOKEN and self._store.get(SERVICE_ACCOUNTS, namespace, name) is not None
        return f"{_ACCOUNT}{namespace}:{name}" if known else ""

    def _rules(self, user: str, namespace: str) -> Iterator[Object]:
        bindings = self._store.all(CLUSTER_ROLE_BINDINGS)
        if namespace:
            bindings = bindings + self._store.all(ROLE_BINDINGS, namespace)
        for binding in bindings:
            if any(_is_subject(subject, user) for subject in binding.get("subjects") or []):
                yield from self._role_rules(binding)

    def _role_rules(self, binding: Object) -> list[Object]:
        reference = binding["roleRef"]
        if reference["kind"] == "ClusterRole":
            role = self._store.get(CLUSTER_ROLES, "", reference["name"])
        else:
            role = self._store.get(ROLES, binding["metadata"].get("namespace", ""), reference["name"])
        return list((role or {}).get("rules") or [])


def _is_subject(subject: Object, user: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user)
        case "ServiceAccount":
            return user == f"{_ACCOUNT}{subject.get('namespace', '')}:{subject['name']}"
        case _:
            groups = ["system:authenticated"]
            if user.startswith(_ACCOUNT):
                groups += ["system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}"]
            return subject["name"] in groups


def _covers(rule: Object, ask: Ask) -> bool:
    verbs, groups = rule.get("verbs") or [], rule.get("apiGroups") or []
    if not ({ask.verb, "*"} & {*verbs} and {ask.group, "*"} & {*groups}):
        return False
    wanted = {ask.resource, "*"}
    if "/" in ask.resource:
        wanted.add("*/" + ask.resource.split("/")[1])
    names = rule.get("resourceNames") or []
    return bool(wanted & {*(rule.get("resources") or [])}) and (not names or ask.name in names)
