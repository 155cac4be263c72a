"""GET /openapi.json and GET /docs: a page without scripts, which loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import Route

from luthier.production.describing.routes import described

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { background: #f4f4f2; padding: .75rem; overflow-x: auto; border-radius: .3rem }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #161616 } pre { background: #242424 } }
"""
_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-{digest}'"


def add_docs_routes(app: FastAPI) -> None:
    @cache
    def description() -> dict[str, Any]:
        from luthier import __version__

        paths = get_openapi(title="Luthier", version=__version__, routes=app.routes)["paths"]
        for route in app.routes:
            if isinstance(route, Route) and not isinstance(route, APIRoute):  # of Starlette's, which FastAPI leaves out
                paths[route.path] = {method.lower(): {"operationId": route.name} for method in route.methods or ()}
        return described(paths, __version__)

    @app.get("/openapi.json", response_model=None)
    async def openapi() -> JSONResponse:
        return JSONResponse(description())

    @app.get("/docs", response_model=None)
    async def docs() -> HTMLResponse:
        digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
        return HTMLResponse(page(description()), headers={"content-security-policy": _POLICY.format(digest=digest)})


def page(description: Mapping[str, Any]) -> str:
    """description: as of OpenAPI."""
    body = "\n".join(_sections(description))
    title = escape(description["info"]["title"])
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style></head>\n'
        f'<body><h1>{title} {escape(description["info"]["version"])}</h1>\n<p><a href="/openapi.json">openapi.json</a>'
        f" holds the same for programs.</p>\n{body}\n</body></html>\n"
    )


def _sections(description: Mapping[str, Any]) -> Iterator[str]:
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>\n<p>{escape(told.get('summary', ''))}</p>"
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            if body:
                yield _curl(path, body.get("example"))
                yield from _schema("What is sent", body.get("schema", {}), schemas)
            yield from _responses(told.get("responses", {}), schemas)


def _curl(path: str, example: Any) -> str:
    sent = json.dumps(example, ensure_ascii=False)
    command = f"curl -s http://localhost:8000{path} -H 'content-type: application/json' -d '{sent}'"
    return f"<pre>{escape(command)}</pre>"


def _responses(responses: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    for media, content in responses.get("200", {}).get("content", {}).items():
        if "example" in content:
            yield f"<pre>{escape(json.dumps(content['example'], ensure_ascii=False, indent=1))}</pre>"
        if "schema" in content:
            yield from _schema(f"What comes back ({media})", content["schema"], schemas)
    refused = {status: told for status, told in responses.items() if status != "200"}
    if refused:
        rows = "".join(f"<tr><td>{s}</td><td>{escape(told['description'])}</td></tr>" for s, told in refused.items())
        yield f"<table><tr><th>status</th><th>when</th></tr>{rows}</table>"


def _schema(title: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        text = json.dumps(schemas[name], ensure_ascii=False, indent=1)
        yield f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
