"""Checks the signatures in the sandbox's signed PDFs with pyHanko.

    python3 signatures.py READY_LINE ORDER PDFS AUTHORITY

READY_LINE is the ready line of `identkit sandbox`, ORDER the document's sample of an order, PDFS a directory with files
to sign, AUTHORITY the certificate of the sandbox's signing authority."""

import io
import json
import logging
import pathlib
import sys

sys.dont_write_bytecode = True

from pyhanko.keys import load_cert_from_pemder  # noqa: E402
from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: E402
from pyhanko.sign.diff_analysis import ModificationLevel  # noqa: E402
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature  # noqa: E402
from pyhanko_certvalidator import ValidationContext  # noqa: E402

from support import Sandbox, expect, in_base64, pdf, run  # noqa: E402

logging.disable(logging.CRITICAL)


class Signing:
    def __init__(self, ready, order, pdfs, authority):
        self.sandbox = Sandbox(json.loads(ready))
        self.order = json.loads(pathlib.Path(order).read_text(encoding="utf-8"))
        self.pdfs = pathlib.Path(pdfs)
        self.context = ValidationContext(trust_roots=[load_cert_from_pemder(authority)], allow_fetching=False)

    def place(self, data, **placement):
        self.order.update({"Product": 15, "Add": 0, "eSignPDF": {"Data": in_base64(data), **placement}})
        body = {name: value for name, value in self.order.items() if name not in ("WebhookURL", "RedirectURL")}
        return self.sandbox.call("PUT", "/putOrder", json=body)

    def sign(self, data, **placement):
        order = expect(self.place(data, **placement), 202)
        order = json.loads(order)["OrderID"]
        self.sandbox.play(order, "signed")
        signed = expect(self.sandbox.call("GET", f"/getESignPDF/{order}"), 200, "application/pdf")
        assert signed.startswith(data)
        return signed

    def check(self, data, own):
        """Asserts that all signatures are valid, and that the sandbox's authority issued the last `own` certificates."""
        signatures = PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures
        assert len(signatures) >= own
        for number, signature in enumerate(signatures, 1):
            status = validate_pdf_signature(signature, self.context)
            is_last, is_own = number == len(signatures), number > len(signatures) - own
            shown = (signature.field_name, status.summary())
            assert status.intact and status.valid and status.trusted == is_own, shown
            assert status.docmdp_ok and status.modification_level <= ModificationLevel.FORM_FILLING, shown
            wanted = SignatureCoverageLevel.ENTIRE_FILE if is_last else SignatureCoverageLevel.ENTIRE_REVISION
            assert status.coverage == wanted, shown
        return signatures


def signatures_of_several_orders_are_valid(signing):
    signed = signing.sign(pdf("contract"))
    signing.check(signed, 1)
    signing.check(signing.sign(signed), 2)


def earlier_signatures_of_others_remain_valid(signing):
    for name, field in [("signed-by-others", None), ("certified-2", "Bank"), ("field-locked", "Customer")]:
        data = (signing.pdfs / f"{name}.pdf").read_bytes()
        signed = signing.sign(data, **({"SignatureFieldName": field} if field else {}))
        assert len(signing.check(signed, 1)) == 2, name
        own = signing.check(signed, 1)[-1]
        assert field in (None, own.field_name), name


def unusual_files_get_valid_signatures(signing):
    for name in ["crop-larger-than-media", "double-minus-in-page", "empty-fields", "linearized", "page-direct-in-kids",
                 "rotate-as-real", "single-minus-in-page"]:
        signed = signing.sign((signing.pdfs / f"{name}.pdf").read_bytes())
        signing.check(signing.sign(signed), 2)


def files_that_forbid_changes_are_refused(signing):
    for name in ["certified-1", "fields-locked", "locked", "encrypted-256"]:
        expect(signing.place((signing.pdfs / f"{name}.pdf").read_bytes()), 400, "application/json")


CHECKS = [
    signatures_of_several_orders_are_valid, earlier_signatures_of_others_remain_valid,
    unusual_files_get_valid_signatures, files_that_forbid_changes_are_refused,
]

if __name__ == "__main__":
    run(CHECKS, Signing(*sys.argv[1:]))
