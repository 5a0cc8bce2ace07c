"""A timestamp authority by pyHanko, which looks at no certificate: stamp.py CERTIFICATE_PEM KEY_PEM < request > response."""

import sys

from asn1crypto import tsp
from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

certificate, key = sys.argv[1:]
authority = DummyTimeStamper(
    tsa_cert=load_cert_from_pemder(certificate),
    tsa_key=load_private_key_from_pemder(key, None),
    certs_to_embed=SimpleCertificateStore(),
)
request = tsp.TimeStampReq.load(sys.stdin.buffer.read())
sys.stdout.buffer.write(authority.request_tsa_response(request).dump())
