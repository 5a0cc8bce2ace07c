#!/usr/bin/env bash
# The whole pipeline against the recorded account, and what a verification says of its package.
set -euo pipefail
PROOFPACK=${PROOFPACK:-proofpack}

"$PROOFPACK" demo --out proofpack-demo
"$PROOFPACK" verify proofpack-demo/proofpack-*.zip
# Trusting the demonstration's own certificate makes the signer a known one:
"$PROOFPACK" verify --trust proofpack-demo/signer.pem proofpack-demo/proofpack-*.zip
