"""What a person sets about a login provider."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

EXAMPLE = (
    '[{"slug": "home", "display_name": "Home", "issuer": "https://login.example", '
    '"client_id": "...", "client_secret": "..."}]'
)
"""How a list of them is written."""


class OidcProvider(BaseModel):
    """A login provider (OpenID Connect)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slug: Annotated[
        str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50, examples=["my-provider"])
    ]
    display_name: Annotated[str, Field(min_length=1, max_length=100)]
    issuer: Annotated[
        str,
        Field(pattern=r"^https?://[^\s?#]+$", max_length=500, examples=["https://login.example"]),
    ]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: SecretStr
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    is_email_trusted: bool = False
    """Whether an address that it calls verified may be joined with an account of ours."""
