"""Writing the usage log, but for consumption: those rows are the ledger's business."""

from collections.abc import Sequence

from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.models import Log, RelayFailure
from oneapi_app.usage_log import repository
from oneapi_app.usage_log.schemas import FailureRecord


def write_log(
    uow: UnitOfWork,
    type: int,
    user_id: int,
    username: str,
    content: str,
    quota: int = 0,
    *,
    channel_id: int = 0,
    model_name: str = "",
    token_name: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    elapsed_ms: int = 0,
    is_stream: bool = False,
    request_id: str = "",
) -> None:
    """One row of type top-up, manage, system or test (``models.log``). Belongs to the caller's unit of work."""
    repository.insert(
        uow.log_session,
        Log(
            user_id=user_id,
            created_at=now_s(),
            type=type,
            content=_clean(content),
            username=username,
            token_name=token_name,
            model_name=model_name[:191],
            quota=quota,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            channel_id=channel_id,
            request_id=request_id or new_request_id(),
            elapsed_time=elapsed_ms,
            is_stream=is_stream,
        ),
    )


def record_failures(uow: UnitOfWork, records: Sequence[FailureRecord]) -> None:
    """A batch of failed requests; texts longer than their columns are cut."""
    repository.insert_failures(
        uow.log_session,
        [
            RelayFailure(
                created_at=record.created_at,
                request_id=record.request_id[:64],
                user_id=record.user_id,
                token_name=_clean(record.token_name)[:64],
                model_name=_clean(record.model_name)[:191],
                channel_id=record.channel_id,
                status=record.status,
                kind=_clean(record.kind)[:64],
                message=_clean(record.message)[:500],
            )
            for record in records
        ],
    )


def _clean(text: str) -> str:
    """What came from a vendor or a caller in a form every engine takes."""
    return text.replace("\0", "").encode(errors="replace").decode()
