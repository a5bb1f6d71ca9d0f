"""Certificates of tests: an authority of their own, and what it signed."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it signed: for servers on 127.0.0.1 and their clients."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Makes all of it."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
        signer, key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        authority, name = _name("inferq test authority"), _name("127.0.0.1")
        own = _builder(authority, authority, signer).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        leaf = _builder(name, authority, key).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        made.authority.write_bytes(own.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))
        made.certificate.write_bytes(leaf.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made

    @property
    def amqp(self) -> dict[str, object]:
        """What a client of RabbitMQ is told of them, in py-amqp's words."""
        return {
            "ca_certs": str(self.authority),
            "certfile": str(self.certificate),
            "keyfile": str(self.key),
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": "127.0.0.1",
        }

    @property
    def settings(self) -> dict[str, str]:
        """What inferq is told of them."""
        return {
            "INFERQ_TLS_CA_FILE": str(self.authority),
            "INFERQ_TLS_CERT_FILE": str(self.certificate),
            "INFERQ_TLS_KEY_FILE": str(self.key),
        }


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )
