"""The limits: what this server takes."""

from inferq.api.deps import MAY_READ, ServicesDep
from inferq.api.routers import resource_router
from inferq.api.schemas import Limits
from inferq.api.submit import BATCH_CHARACTERS, METADATA_BYTES
from inferq.models.inputs import MEDIA_TYPES

router = resource_router(tags=["limits"], dependencies=[MAY_READ])


@router.get("/limits", summary="Look at the limits")
async def get(services: ServicesDep) -> Limits:
    """What may be sent here, so that a client can tell before it sends; settings decide most of it."""
    settings = services.settings
    return Limits(
        max_upload_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        image_types=tuple(MEDIA_TYPES.values()),
        max_batch_characters=BATCH_CHARACTERS,
        max_metadata_bytes=METADATA_BYTES,
        max_in_flight=settings.max_in_flight,
        retention_seconds=settings.retention.total_seconds(),
    )
