"""Holds what pdfsig says of the cases of tests/tamper against verdicts.toml.

Usage: pdfsig.py FOLDER [--update]

FOLDER holds the cases as PROOFPACK_KEEP_SIGNED leaves them. With --update what pdfsig says is written down.
"""

import pathlib
import subprocess
import sys
import tomllib

folder = pathlib.Path(sys.argv[1])
path = pathlib.Path(__file__).with_name("verdicts.toml")
verdicts = tomllib.loads(path.read_text())


def words(file):
    said = subprocess.run(["pdfsig", file], capture_output=True, text=True, errors="replace").stdout
    judged = said.count("Signature Validation:")
    if judged == 0:
        return "no signature"
    if said.count("Signature Validation: Signature is Valid") < judged:
        return "invalid"
    return "valid" if " - Total document signed" in said else "valid, not of the entire file"


differing = 0
for name, verdict in verdicts.items():
    said = words(folder / f"{name}.pdf")
    if "--update" in sys.argv:
        verdict["pdfsig"] = said
    elif verdict.get("pdfsig") != said:
        print(f"{name}: pdfsig says {said!r}, and {verdict.get('pdfsig')!r} is written down")
        differing += 1
if "--update" in sys.argv:
    path.write_text(
        "\n".join(
            f'["{name}"]\n' + "".join(f'{who} = "{verdict[who]}"\n' for who in sorted(verdict))
            for name, verdict in sorted(verdicts.items())
        )
    )
sys.exit(differing > 0)
