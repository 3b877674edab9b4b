"""Certificates for the tests of the broker: a certificate authority and its certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """A certificate authority that writes PEM files into a folder."""

    def __init__(self, root: Path, name: str = "ca") -> None:
        self._root = root
        self._authority = trustme.CA()
        self.pem = root / f"{name}.pem"
        self._authority.cert_pem.write_to_path(str(self.pem))

    def server(self) -> dict[str, str]:
        """Issue the broker's certificate; returns it as settings of the broker."""
        issued = self._authority.issue_cert("127.0.0.1")
        files = {"TLS_CERTIFICATE": self._root / "server.pem", "TLS_KEY": self._root / "server.key"}
        issued.private_key_pem.write_to_path(str(files["TLS_KEY"]))
        files["TLS_KEY"].chmod(0o600)
        issued.cert_chain_pems[0].write_to_path(str(files["TLS_CERTIFICATE"]))
        return {name: str(path) for name, path in files.items()}

    def client(self, *names: x509.GeneralName, valid_for: timedelta = timedelta(hours=1)) -> str:
        """Issue a client certificate and its key in one file. trustme does not support URIs, which identify a workload."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        authority = x509.load_pem_x509_certificate(self._authority.cert_pem.bytes())
        signer: Any = load_pem_private_key(self._authority.private_key_pem.bytes(), None)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spiffe://ci.test/acme")]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + valid_for)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pem = builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)
        pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self._root / f"client-{len(list(self._root.iterdir()))}.pem"
        path.write_bytes(pem)
        return str(path)
