"""Why an accepted prediction failed."""

from inferq.errors.base import PredictionError


class ImageDamaged(PredictionError):
    """The picture's header was sound, but its pixels could not be decoded.

    Send the file again from a whole copy; what an image viewer opens, a new export of it mends.
    """

    code = "image_damaged"
    title = "Image is damaged"


class OutOfMemory(PredictionError):
    """The input took more memory than a worker may take (`INFERQ_WORKER_MEMORY_BYTES`), also with nothing beside it.

    Make the input smaller, or raise the limit if the machine has more.
    """

    code = "out_of_memory"
    title = "Out of memory"


class InputMissing(PredictionError):
    """The stored input is gone, so there is nothing to predict on.

    Send the input again as a new prediction.
    """

    code = "input_missing"
    title = "Input is gone"


class InputDamaged(PredictionError):
    """The stored input is not what was uploaded, by its SHA-256: the storage has damaged it.

    Send the input again as a new prediction, and look at the storage.
    """

    code = "input_damaged"
    status = 500
    title = "Input is damaged"


class ModelFailed(PredictionError):
    """The model raised an error on this input.

    Try another input or other parameters; the worker's log has the cause.
    """

    code = "model_failed"
    status = 500
    title = "The model failed"


class AttemptsExhausted(PredictionError):
    """Every attempt ended with the death of its worker, so the input is not tried again.

    Do not repeat it as it is; the workers' logs say what they died of (often memory).
    """

    code = "attempts_exhausted"
    status = 500
    title = "Gave up after several attempts"


class AttemptTimeout(PredictionError):
    """No attempt was done within `INFERQ_ATTEMPT_TIMEOUT`.

    Send a smaller input, or raise the setting.
    """

    code = "attempt_timeout"
    status = 504
    title = "The model took too long"


class QueueTimeout(PredictionError):
    """It waited longer than it may, so it is not started any more.

    Send it again when less waits, allow a longer `start_within`, or add workers.
    """

    code = "queue_timeout"
    status = 504
    title = "Waited too long"
    retryable = True


class PredictionCanceled(PredictionError):
    """It was canceled before it could finish; raised by the client alone.

    Nothing needs to be done; run it again if the result is wanted after all.
    """

    code = "canceled"
    status = 409
    title = "Canceled"
