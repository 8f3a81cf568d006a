"""The interactive documentation: Swagger UI from our own files, so that it works offline."""

from functools import cache, partial
from importlib.resources import files

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.openapi import describe
from kamerplanter_backend.common.auth import Public

router = Router(prefix="/api/v1", dependencies=[Depends(Public())], include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""What this one page may load: our own files. Swagger UI sets styles on its elements."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kamerplanter API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

START = """\
"use strict";
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""

MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Return the description of the interface."""
    app = request.app
    # All routes are read for it, which takes more than a second: once, and beside the loop. Writing
    # it down is not for nothing either, and everybody may ask.
    async with app.state.describing:
        if getattr(app.state, "described", None) is None:
            app.state.described = await app.state.server.run(partial(_described, app))
    return Response(app.state.described, media_type="application/json")


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Return the page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """Return the script that starts the page; the policy forbids one inside of it."""
    return Response(START, media_type="text/javascript; charset=utf-8")


@router.get("/docs/swagger-ui-bundle.js")
async def bundle() -> Response:
    """Return the program."""
    return _asset("swagger-ui-bundle.js")


@router.get("/docs/swagger-ui.css")
async def style() -> Response:
    """Return how it looks."""
    return _asset("swagger-ui.css")


@router.get("/docs/favicon-32x32.png")
async def icon() -> Response:
    """Return its picture."""
    return _asset("favicon-32x32.png")


def _described(app: FastAPI) -> bytes:
    return bytes(JSONResponse(describe(app)).body)


def _asset(name: str) -> Response:
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_content(name), media_type=MEDIA_TYPES[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    return (files("fastapi_swagger") / "resources" / name).read_bytes()
