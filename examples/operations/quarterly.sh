#!/usr/bin/env bash
# Collects and archives the evidence of the quarter that is over, and tells somebody how that ended.
#
#   quarterly.sh [PROOFPACK.TOML]
#
# Each quarter has a folder of its own in OUT (default: /var/lib/proofpack). What an earlier attempt left there is not made again.
# NOTIFY is a program that is told: its argument is a line, its input the summary as JSON (default: it is printed).
set -uo pipefail
PROOFPACK=${PROOFPACK:-proofpack}
config=${1:-/etc/proofpack/proofpack.toml}

year=$(date -u +%Y)
quarter=$((($(date -u +%-m) - 1) / 3))
if [ "$quarter" = 0 ]; then
    quarter=4 year=$((year - 1))
fi
out=${OUT:-/var/lib/proofpack}/$year-q$quarter

step() {
    local name=$1
    shift
    "$PROOFPACK" "$name" --config "$config" --out "$out" "$@"
}

# The bundle of an earlier attempt is sealed: only what comes after it is missing.
finish() {
    if ! compgen -G "$out/*.zip" >/dev/null; then
        [ -e "$out/report.pdf" ] || { step assess && step report && step sign; } || return
        step package || return
    fi
    step archive
}

if [ -e "$out/bundle" ]; then
    summary=$(finish)
else
    summary=$(step run --json)
fi
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
