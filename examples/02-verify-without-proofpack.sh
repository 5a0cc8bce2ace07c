#!/usr/bin/env bash
# What an auditor does without proofpack: unpack, hash, and check the signatures with openssl.
set -euo pipefail
PROOFPACK=${PROOFPACK:-proofpack}
[ -d proofpack-demo ] || "$PROOFPACK" demo --out proofpack-demo >/dev/null

rm -rf unpacked && mkdir unpacked
python3 -m zipfile -e proofpack-demo/proofpack-*.zip unpacked   # or: unzip
cd unpacked/*/

# Every file is what the list says, and the list is what was signed.
sha256sum --check --quiet --strict SHA256SUMS
openssl cms -verify -binary -inform DER -in SHA256SUMS.p7s -content SHA256SUMS \
    -CAfile signer.pem -partial_chain -purpose any -out /dev/null
# The evidence itself: a BagIt bag with a signed manifest.
(cd bundle && sha256sum --check --quiet --strict manifest-sha256.txt tagmanifest-sha256.txt)
openssl cms -verify -binary -inform DER -in manifest.json.p7s -content bundle/data/manifest.json \
    -CAfile signer.pem -partial_chain -purpose any -out /dev/null
# A record's id is the SHA-256 of its line.
file=$(find bundle/data/aws -name GetCallerIdentity.ndjson | head -n 1)
head -n 1 "$file" | tr -d '\n' | sha256sum
echo "all checks passed"
