"""How people write units: ``t CO₂e / t``, ``kg CO2-eq per kWh``, ``1000 Nm³``, ``万kWh``.

Everything that has one meaning only is brought to the spelling of `greenhearth.quantities`;
what has several (``m3`` of gas, ``tons``, ``Sm3``) is left alone, and refused there with the choice.
"""

import re
import unicodedata

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SLOPE = "(kg CF4/t Al)/(AE-min/cell-day)"
_OVERVOLTAGE = "(kg CF4/t Al)/(mV)"

_WORDS: tuple[tuple[str, str], ...] = (
    (r"万吨", "10^4 t"), (r"万", "10^4 "), (r"亿", "10^8 "), (r"千瓦时", "kWh"), (r"兆瓦时", "MWh"),
    (r"吉焦", "GJ"), (r"千克|公斤", "kg"), (r"吨", "t"),
    (r"°\s*C|deg\.?\s*C", "degC"),
    (r"\bN?m\^?3\s*[(@]?\s*(?:at\s+)?0\s*degC\)?", "Nm3"),
    (r"\bN?m\^?3\s*[(@]?\s*(?:at\s+)?(15|20|25)\s*degC\)?", r"m3(\1degC)"),
    (r"\bm\^?3\s*\(n\)|\bm\^?3\s*N\b|\bN\s*m\^?3\b", "Nm3"), (r"\bkN\s*m\^?3\b", "kNm3"), (r"\bm\^3", "m3"),
    (r"CO\s*2[\s-]*(?:equivalents?|equiv\.?|eq\.?|e)?(?![A-Za-z])", "CO2"),
    (r"\s+(?:per|pro)\s+", "/"), (r"\b(?:per cent|percent|wt\.?\s*%|mass\s*%|%\s*\(m/m\))", "%"),
    (r"\bmetric\s+tons?\b|\b(?:metric\s+)?tonnes?\b", "t"), (r"\bkilotonnes?\b", "kt"),
    (r"\bkilograms?\b", "kg"), (r"\bgrams?\b", "g"), (r"\blit(?:re|er)s?\b", "L"),
    (r"\bmin(?:ute)?s\b", "min"), (r"\bhours?\b", "h"), (r"\s+of\s+", " "),
    (r"\bthousand\s+", "10^3 "), (r"\bmillion\s+", "10^6 "), (r"(?<=\d),(?=\d{3})", ""),
)  # fmt: skip
"""Pattern -> what it means, in this order; upper and lower case are one here, but not in symbols."""

_COUNTS = ("ae/cell-day", "ae/(cell-day)", "1/cell-day", "1/(cell-day)", "ae/cellday", "ae/(cell*day)")
_MINUTES = ("min/ae", "min/effect")
_LETTERS = re.compile(r"[\s()*·⋅.]")

AMBIGUOUS = {
    "ton": "write t (1000 kg) or kg: a ton is 907, 1000 or 1016 kg",
    "tons": "write t (1000 kg) or kg: a ton is 907, 1000 or 1016 kg",
    "Sm3": "write Nm3 (0 degC), m3(15degC) or m3(20degC): what is standard differs between countries",
    "scf": "write Nm3 (0 degC), m3(15degC) or m3(20degC): what is standard differs between countries",
}
"""Unit of more than one meaning -> the choice."""

GAS = (
    "a volume of gas needs its reference conditions: write Nm3 (or kNm3) at 0 degC and 101.325 kPa, "
    "m3(15degC), m3(20degC) or m3(25degC)"
)


def plain_unit(text: str) -> str:
    """Return a unit in the spelling of `greenhearth.quantities`; what has no one meaning is left alone."""
    text = re.sub(r"(?<=10)[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).strip()
    for pattern, meaning in _WORDS:
        text = re.sub(pattern, meaning, text, flags=re.IGNORECASE)
    text = re.sub(r"\s*/\s*", "/", text).strip()
    return _anode_effects(text)


def _anode_effects(text: str) -> str:
    """Recognise the units of anode effects, of which every text has its own spelling."""
    bare = _LETTERS.sub("", text).lower().replace("kgpfc", "kgcf4").replace("cellday", "cell-day")
    if bare.startswith("kgcf4/tal") and "ae-min/cell-day" in bare:
        return _SLOPE
    if bare in ("kgcf4/tal/mv", "kgcf4/talmv"):
        return _OVERVOLTAGE
    folded = text.lower().replace(" ", "")
    if folded in _COUNTS:
        return "1"
    if folded in ("ae-mint/cell-day", "mint/cell-day", "ae-min/cell-day*t"):
        return "min t/d"
    return "min" if folded in _MINUTES else text
