"""Judges the first signature of a PDF with pyHanko, by what the document holds and nothing else; prints one JSON object.

Usage: check_ltv.py FILE ROOT_CERTIFICATE_PEM B-LT|B-LTA

Every certificate but the root must be shown not to have been revoked. B-LTA is judged as ETSI EN 319 102-1, section 5.6.3, has
it; that needs a timestamp over the document to prove that the validation data existed.
"""

import asyncio
import json
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

path, root, level = sys.argv[1:]
root = load_cert_from_pemder(root)


def with_the_store(signature):
    try:
        store = DocumentSecurityStore.read_dss(signature.reader)
    except NoDSSFoundError:
        return {"indication": "there is no store"}
    context = store.as_validation_context(
        {"trust_roots": [root], "allow_fetching": False, "revocation_mode": "require"}
    )
    status = validate_pdf_signature(signature, context)
    return {
        "indication": "valid" if status.bottom_line else "invalid",
        "trusted": status.trusted,
        "modified": status.modification_level.name,
        "timestamped": status.timestamp_validity.trusted,
    }


def with_proof_of_existence(signature):
    required = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    policy = SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build([root]),
            revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(required, required)),
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
            certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
        ),
    )
    result = asyncio.run(ades_lta_validation(signature, PdfSignatureValidationSpec(policy)))
    status = result.api_status
    passed = str(result.ades_subindic) == "AdESPassed.OK"
    return {
        "indication": "valid" if passed else str(result.ades_subindic),
        "trusted": bool(status and status.trusted),
        "modified": status and status.modification_level and status.modification_level.name,
        "timestamped": bool(result.signature_timestamp_status),
    }


with open(path, "rb") as file:
    signature = PdfFileReader(file).embedded_signatures[0]
    judge = with_the_store if level == "B-LT" else with_proof_of_existence
    json.dump(judge(signature), sys.stdout)
