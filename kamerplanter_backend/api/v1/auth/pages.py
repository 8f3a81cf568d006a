"""The two pages that mails lead to: confirm an address, set a new password.

The code of a mail stands behind the `#` of its address, which browsers keep to themselves: it
reaches no server, no log and no other page until a person presses the button.
"""

from html import escape
from typing import Annotated, Final

from fastapi import Depends, Header, Response
from fastapi.responses import HTMLResponse

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.common.auth import Public

router = Router(
    prefix="/auth/pages", tags=["auth"], dependencies=[Depends(Public())], include_in_schema=False
)
"""Only where there are accounts."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS: Final = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}

TEXTS: Final = {
    "en": {
        "verify_title": "Confirm your e-mail address",
        "verify_button": "Confirm",
        "verify_done": "Your address is confirmed. You can log in now.",
        "reset_title": "Set a new password",
        "reset_button": "Set the password",
        "reset_done": "The new password is set. Log in with it.",
        "code": "Code from the mail",
        "password": "New password (10 characters to 72 bytes)",
        "refused": "This code is not valid, or no longer. Ask for a new mail.",
        "failed": "The server does not answer. Try again.",
    },
    "de": {
        "verify_title": "E-Mail-Adresse bestätigen",
        "verify_button": "Bestätigen",
        "verify_done": "Deine Adresse ist bestätigt. Du kannst dich jetzt anmelden.",
        "reset_title": "Neues Passwort setzen",
        "reset_button": "Passwort setzen",
        "reset_done": "Das neue Passwort ist gesetzt. Melde dich damit an.",
        "code": "Code aus der Mail",
        "password": "Neues Passwort (10 Zeichen bis 72 Byte)",
        "refused": "Dieser Code gilt nicht oder nicht mehr. Fordere eine neue Mail an.",
        "failed": "Der Server antwortet nicht. Versuche es noch einmal.",
    },
}

PAGE: Final = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Kamerplanter</title>
<link rel="stylesheet" href="page.css">
</head>
<body>
<main>
<h1>{title}</h1>
<form data-url="{url}" data-done="{done}" data-refused="{refused}" data-failed="{failed}">
<label for="token">{code}</label>
<input id="token" name="token" required autocomplete="off" spellcheck="false">
{more}<button>{button}</button>
</form>
<p role="status" id="status"></p>
</main>
<script src="page.js"></script>
</body>
</html>
"""

NEW_INPUT: Final = """\
<label for="new_password">{password}</label>
<input id="new_password" name="new_password" type="password" required minlength="10"
 autocomplete="new-password">
"""

SCRIPT: Final = """\
"use strict";
const form = document.querySelector("form");
const status = document.getElementById("status");
const { token, new_password: password } = form.elements;

token.value = location.hash.slice(1);
// What works once must not stay in the history of the browser.
history.replaceState(null, "", location.pathname);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { token: token.value.trim() };
  if (password) body.new_password = password.value;
  status.textContent = "";
  try {
    const answer = await fetch(form.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      status.textContent = form.dataset.done;
    } else if (answer.status === 401) {
      status.textContent = form.dataset.refused;
    } else {
      status.textContent = (await answer.json()).message;
    }
  } catch {
    status.textContent = form.dataset.failed;
  }
});
"""

STYLE: Final = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 28rem; margin: 2rem auto; padding: 0 1rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin: 0.25rem 0 1rem; padding: 0.5rem; }
form[hidden] { display: none; }
"""

Languages = Annotated[str | None, Header(alias="Accept-Language")]


@router.get("/verify-email")
async def verify_email_page(languages: Languages = None) -> HTMLResponse:
    """Return the page that confirms an address."""
    return _page("verify", "../verify-email", languages, more="")


@router.get("/password-reset")
async def password_reset_page(languages: Languages = None) -> HTMLResponse:
    """Return the page that sets a new password."""
    return _page("reset", "../password-reset/confirm", languages, more=NEW_INPUT)


@router.get("/page.js")
async def page_script() -> Response:
    """Return what both pages do."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8")


@router.get("/page.css")
async def page_style() -> Response:
    """Return how both pages look."""
    return Response(STYLE, media_type="text/css; charset=utf-8")


def _page(kind: str, url: str, languages: str | None, *, more: str) -> HTMLResponse:
    language = "de" if (languages or "").strip().lower().startswith("de") else "en"
    texts = {name: escape(text) for name, text in TEXTS[language].items()}
    page = PAGE.format(
        language=language,
        url=url,
        title=texts[f"{kind}_title"],
        button=texts[f"{kind}_button"],
        done=texts[f"{kind}_done"],
        more=more.format(**texts),
        code=texts["code"],
        refused=texts["refused"],
        failed=texts["failed"],
    )
    return HTMLResponse(page, headers={**HEADERS, "Content-Language": language})
