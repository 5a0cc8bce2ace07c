#!/usr/bin/env bash
# Collects and archives the evidence of the quarter that is over, and tells somebody how that ended.
#
#   quarterly.sh [PROOFPACK.TOML]
#
# NOTIFY is a program that is told: its argument is a line, its input the summary as JSON (default: it is printed).
set -uo pipefail
PROOFPACK=${PROOFPACK:-proofpack}
config=${1:-/etc/proofpack/proofpack.toml}

summary=$("$PROOFPACK" run --config "$config" --json)
code=$?
case $code in
    0) line="evidence archived" ;;
    5) line="evidence archived, with gaps" ;;
    4) line="AWS or the archive refused: run it again" ;;
    *) line="no evidence was archived (exit code $code)" ;;
esac
if [ -n "${NOTIFY:-}" ]; then
    printf '%s\n' "$summary" | "$NOTIFY" "proofpack: $line"
else
    printf 'proofpack: %s\n%s\n' "$line" "$summary"
fi
exit "$code"
