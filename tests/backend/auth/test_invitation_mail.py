"""What an invitation says, and what it never carries."""

import pytest

from kamerplanter_backend.auth.invitation_mail import invitation_mail


def _text(garden: str, public_url: str = "https://garden.example") -> str:
    return invitation_mail(
        to="new@garden.example", garden=garden, token="tok-123", public_url=public_url
    ).text


def test_it_is_in_both_languages_and_names_garden_and_code() -> None:
    text = _text("Omas Gärtchen")

    assert text.count('"Omas Gärtchen"') == 2
    assert text.count("tok-123") == 2
    assert "Log in at https://garden.example" in text
    assert "Melde dich auf https://garden.example an" in text


def test_the_code_is_never_part_of_an_address() -> None:
    assert "=tok-123" not in _text("Tent")
    assert "/tok-123" not in _text("Tent")


@pytest.mark.parametrize(
    "garden",
    [
        "Win at https://evil.example <now>",
        "Win at www.evil.example",
        "evil.example" + " " * 60 + "x",
    ],
)
def test_a_name_that_could_advertise_is_left_out(garden: str) -> None:
    text = _text(garden)

    assert "evil.example" not in text
    assert "to the garden at Kamerplanter" in text


def test_a_name_that_goes_on_and_on_is_left_out() -> None:
    assert "pills" not in _text("Buy our pills " * 5)


def test_dots_of_a_sentence_stay() -> None:
    assert '"Dr. Oma No. 5."' in _text("Dr. Oma No. 5.")


def test_braces_in_a_name_stay_what_they_are() -> None:
    assert '"{how_en}"' in _text("{how_en}")


def test_without_an_address_the_code_is_enough() -> None:
    text = _text("Tent", public_url="")

    assert "https://" not in text
    assert text.count("tok-123") == 2
