"""The certificate by which a garden proves to its broker who it is, and the private key of it."""

import os
import ssl
import tempfile
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificates

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_CLIENT_KEY_PASSWORD,
)


class CertificateError(Exception):
    """A certificate or its key cannot be used.

    Args:
        key: Of the translated error.
        field: The input at fault, by its name in the data of an entry.
        at: The moment that the text names.
    """

    def __init__(self, key: str, *, field: str, at: datetime | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.at = at


def checked_key(
    certificate_text: str, key_text: str | None, password: str | None, *, now: datetime
) -> str:
    """Return the key of a certificate as it is kept: in PEM form, not encrypted.

    Args:
        certificate_text: The certificate, and those that signed it, in PEM form.
        key_text: Its private key in PEM form; none = it was not given.
        password: Opens an encrypted key; not needed for another one.
        now: The certificate has to be valid now.

    Raises:
        CertificateError: One of them cannot be read, or the two do not fit.
    """
    certificate = _certificate(certificate_text)
    if now >= certificate.not_valid_after_utc:
        raise CertificateError(
            "certificate_expired", field=CONF_CLIENT_CERTIFICATE, at=certificate.not_valid_after_utc
        )
    if now < certificate.not_valid_before_utc:
        raise CertificateError(
            "certificate_not_yet",
            field=CONF_CLIENT_CERTIFICATE,
            at=certificate.not_valid_before_utc,
        )
    if key_text is None:
        raise CertificateError("key_needed", field=CONF_CLIENT_KEY)
    key, is_encrypted = _private_key(key_text, password)
    if _public_bytes(key) != _public_bytes(certificate):
        raise CertificateError("key_does_not_fit", field=CONF_CLIENT_KEY)
    if not is_encrypted:
        return key_text
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def expires_at(certificate_text: str) -> datetime:
    """Return when a certificate ends, UTC.

    Raises:
        CertificateError: It cannot be read.
    """
    return _certificate(certificate_text).not_valid_after_utc


def load_identity(context: ssl.SSLContext, certificate_text: str, key_text: str) -> None:
    """Let a context prove who we are. Blocks, as the library reads files only.

    Raises:
        ssl.SSLError: They cannot be read, or do not fit.
        OSError: The file cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix="kamerplanter-", suffix=".pem")  # for nobody else
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{certificate_text}\n{key_text}\n")
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()


def _certificate(text: str) -> Certificate:
    """Return the first certificate of a text, which is that of its owner."""
    try:
        return load_pem_x509_certificates(text.encode())[0]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError("bad_certificate", field=CONF_CLIENT_CERTIFICATE) from error


def _private_key(text: str, password: str | None) -> tuple[PrivateKeyTypes, bool]:
    """Return a key and whether it is encrypted."""
    try:
        return load_pem_private_key(text.encode(), None), False
    except TypeError:
        pass  # so says the library that it is encrypted
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError("bad_key", field=CONF_CLIENT_KEY) from error
    if not password:
        raise CertificateError("key_password_needed", field=CONF_CLIENT_KEY_PASSWORD)
    try:
        return load_pem_private_key(text.encode(), password.encode()), True
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError("key_password_wrong", field=CONF_CLIENT_KEY_PASSWORD) from error


def _public_bytes(owner: PrivateKeyTypes | Certificate) -> bytes:
    return owner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
