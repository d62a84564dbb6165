"""The countries of ISO 3166-1 by their two-letter codes: a wrong one would decide the VAT wrongly.

Two customary codes are not ISO's: ``UK`` (``GB``) and, in VAT numbers, ``EL`` (``GR``). ``XK``,
which ISO leaves to its users, is taken as Kosovo, as banks and the European Commission do.
"""

from __future__ import annotations

from typing import Final

from domain.errors import Refused

_TABLE: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
CODES: Final = frozenset(_TABLE.split())
MEANT: Final = {"UK": "GB", "EL": "GR"}


def check(code: str) -> None:
    """Raise ``Refused`` (422) unless ``code`` is a country's."""
    if code not in CODES:
        hint = f"; {MEANT[code]} is meant" if code in MEANT else ""
        raise Refused(
            "country_unknown",
            f"{code!r} is not a country of ISO 3166-1{hint}. The country decides the VAT, so it "
            "must be right.",
            status=422,
        )
