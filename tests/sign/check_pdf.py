"""Judges signed PDFs with pyHanko and with qpdf (through pikepdf); prints a JSON list with an object for each.

Usage: check_pdf.py ROOT_CERTIFICATE_PEM INSTANT FILE...

The signatures are in the order in which they were made. Whatever pyHanko throws is its verdict on that signature.
"""

import json
import sys
from datetime import datetime

import pikepdf
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

root, instant, *paths = sys.argv[1:]


def context():
    return ValidationContext(
        trust_roots=[load_cert_from_pemder(root)],
        moment=datetime.fromisoformat(instant),
        allow_fetching=False,
    )


def judged(signature):
    is_timestamp = signature.sig_object["/Type"] == "/DocTimeStamp"
    try:
        if is_timestamp:
            status = validate_pdf_timestamp(signature, context())
        else:
            status = validate_pdf_signature(signature, context())
    except Exception as error:  # a verdict, as good as any
        return {"field": signature.field_name, "bottom_line": False, "error": type(error).__name__}
    stamped = None if is_timestamp else status.timestamp_validity
    modified = status.modification_level
    return {
        "field": signature.field_name,
        "bottom_line": status.valid and status.trusted if is_timestamp else status.bottom_line,
        "intact": status.intact,
        "valid": status.valid,
        "trusted": status.trusted,
        "coverage": status.coverage.name,
        "modified": modified and modified.name,
        "docmdp": status.docmdp_ok,
        "signing_time": None if is_timestamp else status.signer_reported_dt.isoformat(),
        "reason": signature.sig_object.get("/Reason"),
        "widget_flags": int(signature.sig_field["/F"]),
        "timestamp": stamped and {"valid": stamped.valid and stamped.intact, "trusted": stamped.trusted},
    }


def judged_file(path):
    verdict = {}
    with open(path, "rb") as file:
        try:
            verdict["signatures"] = [judged(one) for one in PdfFileReader(file).embedded_signatures]
        except Exception as error:
            verdict = {"signatures": [], "error": type(error).__name__}
    try:
        with pikepdf.open(path) as pdf:
            verdict["qpdf"] = pdf.check_pdf_syntax() if hasattr(pdf, "check_pdf_syntax") else pdf.check()
            verdict["id"] = [str(bytes(part).hex()) for part in pdf.trailer["/ID"]]
    except (pikepdf.PdfError, pikepdf.PasswordError, KeyError) as error:
        verdict["qpdf"] = [str(error)]
    return verdict


json.dump([judged_file(path) for path in paths], sys.stdout)
