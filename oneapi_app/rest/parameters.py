"""Parameters of paths and queries, read leniently where the original does: what is no number is the default."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator

from oneapi_app.rest.body import read_id, read_int

Id = Annotated[int, BeforeValidator(read_id), Path(description="A number from a list or search.", ge=0)]
PageNumber = Annotated[int, BeforeValidator(read_int), Query(description="Page of ten rows, from 0.")]
Number = Annotated[int, BeforeValidator(read_int), Query()]
Timestamp = Annotated[int, BeforeValidator(read_int), Query(description="Unix seconds; 0 means any.")]
Keyword = Annotated[str, Query(description="What names begin with; `%` and `_` mean themselves.")]
StatusOnly = Annotated[str, Query(description="Anything: change the status and nothing else.")]
