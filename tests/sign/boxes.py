"""What the signature fields of a PDF look like and where the structure has them; prints one JSON list.

Usage: boxes.py FILE
"""

import json
import sys

import pikepdf

with pikepdf.open(sys.argv[1]) as pdf:
    tree = pdf.Root.StructTreeRoot
    numbers = list(tree.ParentTree.Nums)
    parents = {int(key): element for key, element in zip(numbers[::2], numbers[1::2])}
    assert int(tree.ParentTreeNextKey) == max(parents) + 1
    found = []
    for field in pdf.Root.AcroForm.Fields:
        left, bottom, right, top = (float(number) for number in field.Rect)
        element = parents[int(field.StructParent)]
        reference = element.K
        above = element.P
        assert any(kid.objgen == element.objgen for kid in above.K)
        found.append(
            {
                "role": str(field.T),
                "drawn": len(field.AP.N.read_bytes()),
                "size": [round(right - left, 2), round(top - bottom, 2)],
                "top": top,
                "tagged": {
                    "type": str(element.S),
                    "object": reference.Obj.objgen == field.objgen,
                    "page": element.Pg.objgen == field.P.objgen
                    and any(one.objgen == field.objgen for one in field.P.Annots),
                    "below": str(above.S),
                },
            }
        )
json.dump(found, sys.stdout)
