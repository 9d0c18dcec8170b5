"""Columns that tell who somebody is: pointed out, not shown, not used."""

import re

import pandas as pd

_BY_NAME = (
    (
        re.compile(
            r"(^|[^a-z])(first|last|given|family|sur|full|patient|pat|nach|vor)?[ _.]?names?($|[^a-z])|姓名|名字|患者名", re.I
        ),
        "a name",
    ),
    (re.compile(r"phone|mobile|(^|[^a-z])(tel|fax)($|[^a-z])|电话|手机|联系方式", re.I), "a telephone number"),
    (re.compile(r"e[-_ ]?mail|邮箱|微信|wechat", re.I), "an address on the internet"),
    (re.compile(r"address|street|post[ _]?code|zip[ _]?code|住址|地址|邮编", re.I), "an address"),
    (
        re.compile(
            r"birth|(^|[^a-z])(dob|geburtsdatum|geb)($|[^a-z])|出生", re.I
        ),
        "a date of birth",
    ),
    (
        re.compile(
            r"(^|[^a-z])(mrn|ssn|nhs|insurance|passport|id[ _]?card|national[ _]?id|hospital[ _]?(no|id|number)|record[ _]?number)"
            r"($|[^a-z])|身份证|病历号|住院号|门诊号|医保|护照|病案号",
            re.I,
        ),
        "a number of a document or a hospital",
    ),
)  # fmt: skip
_BY_CONTENT = (
    (re.compile(r"\d{17}[\dXx]"), "a national identity number"),
    (re.compile(r"(\+?86[- ]?)?1[3-9]\d{9}"), "a telephone number"),
    (re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"), "an address on the internet"),
    (re.compile(r"\d{3}-\d{2}-\d{4}"), "a social security number"),
)
_NO_PERSON = re.compile(r"drug|medic|event|redcap_|hospital name|centre|center|site|file|variable|药", re.I)


def identifier_reason(column: str, cells: pd.Series) -> str:
    """What a column tells of a person, in words; "" where it seems to tell nothing. ``cells``: text, '' where missing."""
    for pattern, what in _BY_NAME:
        if pattern.search(column) and not _NO_PERSON.search(column):
            if what == "a date of birth" and not cells.str.contains(r"\d{4}.*\d{1,2}.*\d", regex=True).any():
                continue  # a year of birth, or "born here: yes"
            return what
    filled = cells[cells != ""]
    if len(filled):
        sample = filled.iloc[:200]
        for pattern, what in _BY_CONTENT:
            if sample.map(lambda cell, p=pattern: bool(p.fullmatch(cell))).mean() > 0.3:
                return what
    return ""
