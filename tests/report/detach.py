"""Writes the attachments of a PDF beside it and prints their names.

Usage: detach.py FILE
"""

import pathlib
import sys

import pikepdf

path = pathlib.Path(sys.argv[1])
with pikepdf.open(path) as pdf:
    for name, file in pdf.attachments.items():
        path.with_name(pathlib.PurePath(name).name).write_bytes(file.get_file().read_bytes())
        print(name)
