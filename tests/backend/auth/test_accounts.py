"""What the settings mean for accounts."""

import pytest

from kamerplanter_backend.auth.accounts import policy_of
from kamerplanter_backend.config.settings import Mode
from tests.backend.accounts import NOW, OTHER_SECRET, SECRET, People, settings_of


def test_secret_can_be_exchanged_without_logging_anybody_out() -> None:
    people = People()
    people.join()
    login = people.log_in()
    people.accounts.close()
    people.accounts = people.build(secret_key=OTHER_SECRET, previous_secret_key=SECRET)

    header = f"Bearer {login.access_token}"
    assert people.accounts.provider.authenticate(header, NOW).user_key == login.user_key
    people.accounts.csrf.check_token(login.session_key, login.csrf_token)
    again = people.accounts.sessions.refresh(login.refresh_token, NOW)
    assert again.csrf_token != login.csrf_token
    people.close()


@pytest.mark.parametrize("name", ["secret_key", "previous_secret_key"])
@pytest.mark.parametrize("secret", ["short", "x" * 64])
def test_weak_secret_is_refused_with_the_name_of_its_setting(name: str, secret: str) -> None:
    with pytest.raises(ValueError, match=f"KAMERPLANTER_{name.upper()} must be") as refused:
        settings_of(**{name: secret})

    assert secret not in str(refused.value)


def test_server_without_accounts_needs_no_secret() -> None:
    settings = settings_of(mode=Mode.LIGHT, secret_key=None)

    assert policy_of(settings).secret != policy_of(settings).secret
    assert len(policy_of(settings).secret) == 32


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(policy_of(settings_of()))
    assert SECRET not in repr(settings_of())
