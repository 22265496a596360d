"""Somebody says no: to who the program says it is, or to what it wants to do."""

from __future__ import annotations

from tools.diagnosis.logs.families import Family
from tools.diagnosis.logs.signs.sign import sign

SIGNS = (
    sign(
        Family.LOGIN_REFUSED,
        "{} does not accept its credentials.",
        "Something it calls",
        "authent|denied|wrongpass|noauth|invalid|does not exist|pg_hba|signature|unrecognized|expired|sasl"
        "|access_refused|unauthori|401|login failed",
        r"password authentication failed for user",
        r"Access denied for user",
        r"\bauthentication fail(?:ed|ure)",
        r"WRONGPASS",
        r"NOAUTH ",
        r"invalid (?:username or password|credentials|api key|access token|client secret)",
        r'role "[^"]{1,100}" does not exist',
        r"no pg_hba\.conf entry",
        r"InvalidClientTokenId",
        r"SignatureDoesNotMatch",
        r"UnrecognizedClientException",
        r"ExpiredToken\w*",
        r"(?:token|credentials?) (?:has|have|is|are) expired",
        r"SASL (?:authentication|login) failed",
        r"ACCESS_REFUSED",
        r"\b401\b[ :,-]{1,3}unauthori[sz]ed",
        r"unauthori[sz]ed: ",
        r"status(?: code)?[ =:]{1,3}401\b",
        r"jwt (?:is )?expired",
        r"Login failed for user",
        r"invalid_grant",
        r"invalid_client",
        r"pull access denied",
    ),
    sign(
        Family.NOT_PERMITTED,
        "It is not permitted: {}.",
        "something it needs",
        "not authorized",
        r"is not authorized to perform:? (?P<s>[\w-]{1,40}:[\w*]{1,80})",
    ),
    sign(
        Family.NOT_PERMITTED,
        "It is not permitted: {}.",
        "something it needs",
        "resource",
        r'cannot (?P<s>(?:get|list|watch|create|update|patch|delete|use|impersonate) resource "[^"]{1,100}"'
        r'(?: in API group "[^"]{0,100}")?(?: in the namespace "[^"]{1,100}")?)',
    ),
    sign(
        Family.NOT_PERMITTED,
        "It is not permitted: {}.",
        "something it needs",
        "permission denied for",
        r'permission denied for (?P<s>(?:table|relation|schema|sequence|database|function|view) [\w."]{1,120})',
    ),
    sign(
        Family.NOT_PERMITTED,
        "It is not permitted: {}.",
        "something it needs",
        "permission denied|accessdenied",
        r"""(?:open|mkdir|unlink|exec|read|write|rename|chmod|chown|create|access)?:? ?%FILE:? \(?permission denied""",
        r"Permission denied: %FILE",
        r"EACCES: permission denied, \w{1,20} '(?P<s>[^']{1,300})'",
        r"AccessDeniedException: (?P<s>/\S{1,300})",
    ),
    sign(
        Family.NOT_PERMITTED,
        "It is not permitted: {}.",
        "it lacks a permission",
        "permission|eacces|eperm|not permitted|denied|403|forbidden|insufficient p",
        r"permission denied",
        r"\bEACCES\b",
        r"\bEPERM\b",
        r"operation not permitted",
        r"AccessDenied(?:Exception)?\b",
        r"access denied\b(?! for user)",
        r"PermissionError\b",
        r"\b403\b[ :,-]{1,3}forbidden",
        r"status(?: code)?[ =:]{1,3}403\b",
        r"PERMISSION_DENIED",
        r"is forbidden: ",
        r"insufficient (?:privilege|permission)s?",
    ),
)
