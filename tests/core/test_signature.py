"""What providers say of a call's signature, and what callers would like to have said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.signature import Signature, read

PAI = "P-Asserted-Identity"
WORD = "TN-Validation-Passed"


def address(word: str, host: str = "h") -> str:
    return f'"Mom" <sip:+18055550142@{host};verstat={word}>'


@pytest.mark.parametrize(
    ("headers", "attestation", "verstat"),
    [
        # each provider's own form
        ([(PAI, address(f"{WORD}-A"))], "A", "passed"),
        ([(PAI, f"<sip:+18055550142@h>;verstat={WORD}-C")], "C", "passed"),
        ([(PAI, f"<sip:+18055550142;verstat={WORD}@192.0.2.1:5060>")], "", "passed"),
        ([(PAI, f"<tel:+18055550142;verstat={WORD}-B>")], "B", "passed"),
        ([(PAI, f"sip:+18055550142@h;VERSTAT={WORD.upper()}-b")], "B", "passed"),
        ([(PAI, f"<tel:+18055550142>, <sip:+18055550142@h;verstat={WORD}-A>")], "A", "passed"),
        ([("From", address(WORD) + ";tag=1")], "", "passed"),
        ([("From", "<sip:a@h;verstat=TN-Validation-Failed>;tag=1")], "", "failed"),
        ([(PAI, address(WORD)), ("P-Attestation-Indicator", "A;")], "A", "passed"),
        ([(PAI, address(WORD, "sip.telnyx.com"))], "A", "passed"),
        ([(PAI, address(f"{WORD}-B", "sip.telnyx.com"))], "B", "passed"),
        ([(PAI, address(WORD, "nottelnyx.com"))], "", "passed"),
        ([("X-Twilio-VerStat", f"{WORD}-A-Diverted")], "A", "passed"),
        ([("X-Twilio-VerStat", "TN-Validation-Failed-C")], "", "failed"),
        ([("x-attestation-info", " c ")], "C", ""),
        ([("Attestation-Info", "B")], "B", ""),
        ([("STIR_SHAKEN", "success A")], "A", "passed"),
        ([("STIR_SHAKEN", "Verification passed B")], "B", "passed"),
        ([("STIR_SHAKEN", "signature_validation A")], "", "failed"),
        ([("STIR_SHAKEN", "Verification mismatch A")], "", "failed"),
        # a failure attests nothing
        ([(PAI, address("TN-Validation-Failed-A"))], "", "failed"),
        ([(PAI, address("TN-Validation-Failed")), ("X-Attestation-Info", "A")], "", "failed"),
        # nothing is known
        ([], "", ""),
        ([(PAI, address("No-TN-Validation"))], "", ""),
        ([(PAI, '"Mom" <sip:+18055550142@h>')], "", ""),
        ([(PAI, address("TN-Validation-Perhaps-A"))], "", ""),
        ([(PAI, address("TN-Validation-PassedA"))], "", ""),
        ([("X-Attestation-Info", "D")], "", ""),
        ([("X-Attestation-Info", "Avocado")], "", ""),
        ([("STIR_SHAKEN", "missing_identity_hdr A")], "", ""),
        ([("STIR_SHAKEN", "cert_retrieval_failure A")], "", ""),
        ([("Subject", address(f"{WORD}-A"))], "", ""),
        # contradictions
        ([(PAI, address(f"{WORD}-A")), (PAI, address(f"{WORD}-B"))], "", ""),
        ([(PAI, address(WORD)), (PAI, address("TN-Validation-Failed"))], "", ""),
        ([(PAI, address(f"{WORD}-A")), ("X-Attestation-Info", "C")], "", ""),
        # who is believed first
        ([("From", address(f"{WORD}-A")), (PAI, address("TN-Validation-Failed"))], "", "failed"),
        ([("STIR_SHAKEN", "signature_validation "), (PAI, address(WORD))], "", "failed"),
        ([("STIR_SHAKEN", "missing_identity_hdr "), (PAI, address(WORD))], "", "passed"),
    ],
)
def test_what_the_headers_say(
    headers: list[tuple[str, str]], attestation: str, verstat: str
) -> None:
    assert read(headers) == Signature(attestation, verstat)


FAILED = "<sip:+18055550142@h;verstat=TN-Validation-Failed>"


@pytest.mark.parametrize(
    "name",
    [
        f'";verstat={WORD}-A"',
        f'"<sip:a@h;verstat={WORD}-A>"',
        f'"a \\" <sip:a@h;verstat={WORD}-A> \\\\"',
        f";verstat={WORD}-A",
        f'<;verstat={WORD}-A"',  # the end of a name that was too long
        '")(:,${X}"',
    ],
)
def test_what_stands_in_a_name_is_only_a_name(name: str) -> None:
    assert read([(PAI, f"{name} {FAILED}")]) == Signature("", "failed")


@given(st.lists(st.tuples(st.sampled_from([PAI, "From", "X-Twilio-VerStat"]), st.text())))
def test_no_text_does_any_harm(headers: list[tuple[str, str]]) -> None:
    assert read(headers).verstat in {"", "passed", "failed"}


@given(st.text(alphabet=' \t;"\\<>(:)v=a', max_size=60))
def test_no_name_in_quotes_hides_what_the_provider_says(name: str) -> None:
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert read([(PAI, f"{quoted} {FAILED}")]) == Signature("", "failed")
