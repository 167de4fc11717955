"""The speech models that Vosk's makers publish: what each is called, its size, licence, checksum.

Names, languages and licences are of https://alphacephei.com/vosk/models, sizes and MD5 sums of
model-list.json there, the SHA-256 sums of those who package the models (AUR, OpenEmbedded). A sum
that could not be found twice, by two people apart from each other, is left out. MD5 tells a broken
download; the models are fetched over HTTPS.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "https://alphacephei.com/vosk/models"
"""Where models are fetched from, unless a mirror is named: SOURCE/NAME.zip."""


@dataclass(frozen=True, slots=True)
class Published:
    """A model that can be fetched by its name.

    `size` is that of its archive in bytes; `md5` and `sha256` are of it too, "" where not known.
    """

    name: str
    language: str
    size: int
    licence: str
    md5: str = ""
    sha256: str = ""
    note: str = ""

    @property
    def address(self) -> str:
        return f"{SOURCE}/{self.name}.zip"


_APACHE = "Apache 2.0"

PUBLISHED: tuple[Published, ...] = (
    Published(
        "vosk-model-small-en-us-0.15",
        "English (US)",
        41_205_931,
        _APACHE,
        md5="09ab50ccd62b674cbaa231b825f9c1cb",
        sha256="30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
        note="the one to begin with",
    ),
    Published(
        "vosk-model-en-us-0.22-lgraph",
        "English (US)",
        130_557_655,
        _APACHE,
        md5="2df36985f8ed8eb7b78476cadcdab48f",
        sha256="d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334",
        note="better, and wants more memory",
    ),
    Published(
        "vosk-model-en-us-0.22",
        "English (US)",
        1_913_365_522,
        _APACHE,
        md5="228741ed058893e403dce60bdd659f42",
        note="for large machines; its graph takes no grammars",
    ),
    Published(
        "vosk-model-small-en-gb-0.15",
        "English (UK)",
        42_757_500,
        _APACHE,
        md5="6afd611b04b2b47c129c3615dc502383",
    ),
    Published(
        "vosk-model-small-en-in-0.4",
        "English (India)",
        37_573_330,
        _APACHE,
        md5="62fd085f33c8c5fc01a235030e2a1fe3",
    ),
    Published(
        "vosk-model-small-cn-0.22",
        "Chinese",
        43_898_754,
        _APACHE,
        md5="d1a8e82933dcc7632667c036b0bb3dbb",
    ),
    Published(
        "vosk-model-small-nl-0.22",
        "Dutch",
        40_441_176,
        _APACHE,
        md5="4582e1f20d6849099da08511f9797017",
    ),
    Published(
        "vosk-model-small-fr-0.22",
        "French",
        42_233_323,
        _APACHE,
        md5="8873b1234503f6edd55f54bfff31cf3e",
    ),
    Published(
        "vosk-model-small-de-0.15",
        "German",
        46_499_967,
        _APACHE,
        md5="4f21f92c0897b48287ef8839420608eb",
    ),
    Published(
        "vosk-model-small-it-0.22",
        "Italian",
        49_665_141,
        _APACHE,
        md5="fbd8f9c72cbb8c3dfa3e4581bd3585f4",
    ),
    Published(
        "vosk-model-small-ja-0.22",
        "Japanese",
        49_704_573,
        _APACHE,
        md5="0e3163dd62dfb0d823353718ac3cbf79",
    ),
    Published(
        "vosk-model-small-pl-0.22",
        "Polish",
        52_979_372,
        _APACHE,
        md5="91cbbd6231320467da672be31827b6ac",
    ),
    Published(
        "vosk-model-small-pt-0.3",
        "Portuguese",
        32_453_112,
        _APACHE,
        md5="458c69371c5a0b9ab6ee8fa417bf89da",
    ),
    Published(
        "vosk-model-small-ru-0.22",
        "Russian",
        46_236_750,
        _APACHE,
        md5="d1759dc83eb8fd87850129afbd9f4b7b",
    ),
    Published(
        "vosk-model-small-es-0.42",
        "Spanish",
        39_817_833,
        _APACHE,
        md5="2d5c94f9859a84881a0ef744738ebd31",
    ),
    Published(
        "vosk-model-small-tr-0.3",
        "Turkish",
        36_855_784,
        _APACHE,
        md5="198511631860597639a0ebf779263fcf",
    ),
    Published(
        "vosk-model-small-vn-0.4",
        "Vietnamese",
        33_656_337,
        _APACHE,
        md5="b31b474a1ef75488c5fa575f8e2a1269",
    ),
)

BY_NAME = {model.name: model for model in PUBLISHED}
