"""Faults of models: inputs that end their worker, hang it, or raise."""

from collections.abc import Sequence

from faults.case import Case, expect_success
from faults.fault_model import Deed, Picture
from faults.submitter import Accepted
from faults.verdict import Fate

POISONS = 1
SHORT = {"INFERQ_ATTEMPT_TIMEOUT": "3", "INFERQ_STORAGE_TIMEOUT": "2"}


def poison(case: Case) -> None:
    """One input aborts the process that works on it."""
    _deadly(case, Deed.ABORT)


def out_of_memory(case: Case) -> None:
    """One input takes memory until the kernel kills its worker."""
    case.note("256 MB, then SIGKILL by its own hand")
    _deadly(case, Deed.OUT_OF_MEMORY)


def _deadly(case: Case, deed: Deed) -> None:
    attempts = case.size.pick(3, 2)
    deployment = case.serve(SHORT | {"INFERQ_MAX_ATTEMPTS": str(attempts)})
    culprits, innocents = _among_innocents(case, deed)
    verdict = case.judge(meanwhile=deployment.tend)
    expect_success(verdict.of(innocents), most_attempts=attempts)
    times = {2: "2 times", 3: "3 times"}[attempts]
    for fate in verdict.of(culprits):
        _expect_failure(fate, "attempts_exhausted", times)
        assert fate.attempts == attempts, fate
    again = sum(fate.attempts > 1 for fate in verdict.of(innocents))
    case.note(f"{attempts} attempts each; {again} innocents started again")


def hang(case: Case) -> None:
    """One input never comes to an end."""
    attempts = case.size.pick(3, 2)
    deployment = case.serve(SHORT | {"INFERQ_MAX_ATTEMPTS": str(attempts)})
    culprits, innocents = _among_innocents(case, Deed.HANG)
    verdict = case.judge(meanwhile=deployment.tend)
    # What ran beside a hanging one is put back, and its attempt with it.
    expect_success(verdict.of(innocents), most_attempts=1)
    for fate in verdict.of(culprits):
        _expect_failure(fate, "attempt_timeout", "3 s")
        assert fate.attempts == attempts, fate


def raises(case: Case) -> None:
    """One input makes the model raise: it fails at once, and nobody else notices."""
    case.serve()
    culprits, innocents = _among_innocents(case, Deed.RAISE)
    verdict = case.judge()
    expect_success(verdict.of(innocents), most_attempts=1)
    for fate in verdict.of(culprits):
        _expect_failure(fate, "model_failed", "model failed")
        assert fate.attempts == 1, fate


def _among_innocents(case: Case, deed: Deed) -> tuple[list[str], list[str]]:
    """Submits culprits in the middle of innocents; the ids of both."""
    innocents = case.pictures(case.size.pick(100, 50))
    half = len(innocents) // 2
    culprits = [Picture(deed, 20)] * POISONS
    accepted = case.submit([*innocents[:half], *culprits, *innocents[half:]])
    case.struck()
    return _ids(accepted, deed), _ids(accepted, Deed.WORK)


def _ids(accepted: Sequence[Accepted], deed: Deed) -> list[str]:
    return [one.task_id for one in accepted if one.picture.deed is deed]


def _expect_failure(fate: Fate, code: str, words: str) -> None:
    assert fate.state == "failed", fate
    assert fate.error is not None, fate
    assert fate.error["code"] == code, fate
    assert words in fate.error["detail"], fate
