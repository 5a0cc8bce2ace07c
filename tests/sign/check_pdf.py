"""Judges a signed PDF with pyHanko and with qpdf (through pikepdf); prints one JSON object.

Usage: check_pdf.py FILE ROOT_CERTIFICATE_PEM INSTANT
"""

import json
import sys
from datetime import datetime

import pikepdf
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

path, root, instant = sys.argv[1:]
context = ValidationContext(
    trust_roots=[load_cert_from_pemder(root)],
    moment=datetime.fromisoformat(instant),
    allow_fetching=False,
)
with open(path, "rb") as file:
    reader = PdfFileReader(file)
    signatures = reader.embedded_signatures
    status = validate_pdf_signature(signatures[0], context)
    verdict = {
        "signatures": len(signatures),
        "bottom_line": status.bottom_line,
        "intact": status.intact,
        "valid": status.valid,
        "trusted": status.trusted,
        "coverage": status.coverage.name,
        "signing_time": status.signer_reported_dt and status.signer_reported_dt.isoformat(),
        "reason": signatures[0].sig_object.get("/Reason"),
        "widget_flags": int(signatures[0].sig_field["/F"]),
    }
    stamped = status.timestamp_validity
    verdict["timestamp"] = stamped and {"valid": stamped.valid and stamped.intact, "trusted": stamped.trusted}
with pikepdf.open(path) as pdf:
    verdict["qpdf"] = pdf.check_pdf_syntax() if hasattr(pdf, "check_pdf_syntax") else pdf.check()
    verdict["id"] = [str(bytes(part).hex()) for part in pdf.trailer["/ID"]]
json.dump(verdict, sys.stdout)
