#!/usr/bin/env bash
# The steps one by one over a bundle that is already there, with a key of one's own.
set -euo pipefail
PROOFPACK=${PROOFPACK:-proofpack}
[ -d proofpack-demo ] || "$PROOFPACK" demo --out proofpack-demo >/dev/null

rm -rf steps && mkdir -p steps/out
cp -r proofpack-demo/bundle steps/out/bundle
cp proofpack-demo/exceptions.toml steps/
cd steps
"$PROOFPACK" keygen --name "Example Health"
cat > proofpack.toml <<'TOML'
organization = "Example Health"
output = "out"
exceptions = "exceptions.toml"

[scope]
regions = ["us-east-1"]

[signing]
certificate = "signer.pem"
key = "signer-key.pem"
TOML
"$PROOFPACK" assess
"$PROOFPACK" report
"$PROOFPACK" sign
"$PROOFPACK" package
"$PROOFPACK" archive
"$PROOFPACK" verify --trust signer.pem archive/proofpack-*.zip
