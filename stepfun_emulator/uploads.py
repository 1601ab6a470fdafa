from __future__ import annotations
from starlette.requests import Request
from starlette.responses import Response
async def create(request: Request) -> Response: raise NotImplementedError
list_all = retrieve = content = delete = create
