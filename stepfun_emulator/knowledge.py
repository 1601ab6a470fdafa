"""The endpoints under /vector_stores, and /search (WIRE.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from stepfun_emulator.answerer.searching import CATEGORIES, pages
from stepfun_emulator.errors import invalid, undocumented
from stepfun_emulator.paging import page
from stepfun_emulator.replies import json_fields
from stepfun_emulator.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request

_USUAL_RESULTS, _MOST_RESULTS = 10, 20


async def create_store(request: Request) -> Response:
    """Make a store."""
    given = json_fields(request, "name", "type")
    return JSONResponse(service_of(request).stores.create(given.get("name"), given.get("type", "text")))


async def list_stores(request: Request) -> Response:
    """The stores, in pages."""
    service = service_of(request)
    return JSONResponse(page(service.stores.entries(), request.query_params, lenient=service.lenient))


async def retrieve_store(request: Request) -> Response:
    """One store, with the state of its files."""
    return JSONResponse(service_of(request).stores.poll(request.path_params["id"]))


async def delete_store(request: Request) -> Response:
    """Delete a store."""
    return JSONResponse(service_of(request).stores.remove(request.path_params["id"]))


async def add_files(request: Request) -> Response:
    """Put uploaded files into a store."""
    service = service_of(request)
    files = json_fields(request, "files").get("files")
    if not isinstance(files, list) or not files:
        raise invalid("files", "files must be a non-empty array")
    named = [_file(file, f"files[{at}]", lenient=service.lenient) for at, file in enumerate(files)]
    return JSONResponse(service.stores.add(request.path_params["id"], named))


def _file(file: Any, at: str, *, lenient: bool) -> tuple[str, str]:
    if not isinstance(file, dict):
        raise invalid(at, f"{at} must be an object")
    for key in file:
        if key not in ("file_id", "description") and not lenient:
            raise undocumented(f"{at}.{key}")
    file_id, description = file.get("file_id"), file.get("description", "")
    if not isinstance(file_id, str) or not file_id:
        raise invalid(f"{at}.file_id", f"{at}.file_id must be a non-empty string")
    if not isinstance(description, str):
        raise invalid(f"{at}.description", f"{at}.description must be a string")
    return file_id, description


async def list_files(request: Request) -> Response:
    """The files of a store, in pages."""
    service = service_of(request)
    entries = service.stores.files(request.path_params["id"])
    return JSONResponse(page(entries, request.query_params, lenient=service.lenient))


async def take_out(request: Request) -> Response:
    """Take a file out of a store."""
    ids = request.path_params
    return JSONResponse(service_of(request).stores.take_out(ids["id"], ids["file_id"]))


async def search(request: Request) -> Response:
    """Search the web, which the emulator does not reach: the results are made up, and say so."""
    given = json_fields(request, "query", "n", "category")
    query, n, category = given.get("query"), given.get("n", _USUAL_RESULTS), given.get("category", "")
    if not isinstance(query, str) or not query.strip():
        raise invalid("query", "query must be a non-empty string")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST_RESULTS:
        raise invalid("n", f"n must be a whole number from 1 to {_MOST_RESULTS}")
    if "category" in given and category not in CATEGORIES:
        raise invalid("category", f"category must be one of {', '.join(CATEGORIES)}")
    return JSONResponse({"query": query, "n": n, "results": pages(query, n, category)})
