"""The program fell over, and nothing here says because of what."""

from __future__ import annotations

from tools.diagnosis.logs.families import Family
from tools.diagnosis.logs.signs.sign import sign

SIGNS = (
    sign(
        Family.UNHANDLED,
        "The program fell over: {}.",
        "something it needs",
        "nil pointer|out of range|concurrent map|goroutines|segmentation|sigsegv|core dumped|overflow|nullpointer"
        "|nullreference|undefined|of null",
        r"(?P<s>nil pointer dereference|index out of range \[\d+\] with length \d+)",
        r"(?P<s>concurrent map \w{1,20} and map \w{1,20}|all goroutines are asleep - deadlock)",
        r"(?P<s>segmentation (?:fault|violation)|SIGSEGV|core dumped|stack overflow)",
        r"(?P<s>NullPointerException|StackOverflowError|NullReferenceException|undefined method [`']\w{1,60})",
        r"(?P<s>Cannot read propert(?:y|ies) (?:'?\w{1,60}'? )?of (?:undefined|null))",
    ),
    sign(
        Family.UNHANDLED,
        "The program fell over: {}.",
        "an error nobody handled",
        "panic|unhandled|uncaught|exception in thread|error|exception",
        r"^(?:.{0,80}\W)?panic: (?P<s>[^\n|]{1,120})",
        r"panicked at (?P<s>[^\n|]{1,120})",
        r"(?:unhandled|uncaught) (?:promise ?rejection|exception|error)\w{0,20}[:, ]{0,3}(?P<s>[^\n|]{0,120})",
        r"unhandledPromiseRejection\w{0,20}",
        r'Exception in thread "[^"]{1,80}" (?P<s>[\w.$]{1,160})',
        r"(?:^|\| )(?:[\w$]{1,60}\.){0,12}"
        r"(?P<s>(?:Assertion|Attribute|Key|Type|Value|Index|Name|ZeroDivision|Runtime|Recursion|Reference|Range|Arithmetic"
        r"|UnicodeDecode|NotImplemented)(?:Error|Exception)\b(?:: [^\n|]{0,120})?)",
    ),
)
