"""The address a message is about, in the many ways programs write one."""

from __future__ import annotations

import re
from ipaddress import ip_address

_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?"
_NAMED = (
    # psycopg: connection to server at "db" (10.0.0.1), port 5432 failed
    re.compile(rf"server at \"(?P<h>{_HOST})\"(?: \([^)]{{1,60}}\))?, port (?P<p>\d{{1,5}})"),
    # urllib3 and requests: HTTPConnectionPool(host='payments', port=80)
    re.compile(rf"host='(?P<h>{_HOST})', port='?(?P<p>\d{{1,5}})"),
    # curl: Failed to connect to api port 8080
    re.compile(rf"connect to (?P<h>{_HOST})(?: \([^)]{{1,60}}\))? port (?P<p>\d{{1,5}})"),
    # nginx: upstream: "http://10.0.0.1:8080/"
    re.compile(rf"upstream: \"[a-z]{{2,12}}://(?P<h>{_HOST}):(?P<p>\d{{1,5}})"),
    # Go: dial tcp 10.0.0.5:5432, where another address (the local one) may stand before an arrow
    re.compile(rf"(?:->|dial (?:tcp|udp)[46]? )(?P<h>{_HOST}|\[[0-9a-fA-F:]{{2,45}}\]):(?P<p>\d{{1,5}})"),
    # Node: connect ECONNREFUSED 127.0.0.1:6379
    re.compile(rf"\bE[A-Z]{{4,16}} (?P<h>{_HOST}):(?P<p>\d{{1,5}})"),
    # MySQL: server on 'mysql' (111)
    re.compile(rf"server on '(?P<h>{_HOST})(?::(?P<p>\d{{1,5}}))?'"),
    re.compile(rf"://(?:[^\s/@]{{1,200}}@)?(?P<h>{_HOST})(?::(?P<p>\d{{1,5}}))?"),
    re.compile(rf"(?<![\w.:/-])(?P<h>{_HOST}):(?P<p>\d{{2,5}})(?!\d|:\d)"),
    re.compile(
        rf"(?:connect(?:ing|ion)? (?:to|with)|calling|from|at|to|of) (?:host )?['\"]?(?P<h>{_HOST}\.{_HOST})['\"]?"
    ),
    re.compile(
        r"\b(?:connect(?:ing|ion)? (?:to|with)|calling|call to|request to|response from|contact(?:ing)?|reach(?:ing)?) "
        r"(?:the )?(?:upstream |service |host |server |broker |database )?['\"]?(?P<h>[a-z][a-z0-9-]{2,62})\b"
    ),
)
_NO_HOST = re.compile(
    r"(?:[\w.-]*\.(?:go|py|js|ts|java|rb|rs|php|c|cc|cpp|cs|kt|scala|ex|mjs)|line|at|port|error|code|status)$",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"(?:the|an?|server|host|database|upstream|service|peer|remote|any|all|this|that|some|its|our|your|api|backend"
    r"|broker|node|client)$",
    re.IGNORECASE,
)
"""What stands where a host could stand and is none, unless a port follows."""


def address(text: str, near: int) -> str | None:
    """`host:port` (or the host alone) of what a message is about; of several the nearest before `near`, else after."""
    for pattern in _NAMED:
        found = [match for match in pattern.finditer(text[:4_000]) if _is_host(match)]
        if found:
            before = [match for match in found if match.start() <= near]
            return _written(before[-1] if before else found[0])
    return None


def _is_host(match: re.Match[str]) -> bool:
    host = match["h"]
    if _NO_HOST.match(host) or host.isdigit() or (_WORD.match(host) and not match.groupdict().get("p")):
        return False
    try:
        return not ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        # digits and dots that are no address are a version or a time
        return any(letter.isalpha() for letter in host)


def _written(match: re.Match[str]) -> str:
    port = match.groupdict().get("p")
    return f"{match['h']}:{port}" if port else match["h"]
