import pytest

from inferq.errors import UnknownModel
from inferq.models.register import ModelRegister, RegisteredCard


def card(name: str, version: str) -> RegisteredCard:
    return RegisteredCard(
        name=name,
        version=version,
        kind="object-detection",
        description="",
        license="MIT",
        input_kind="image",
        labels={1: "a"},
        parameters={},
        source={},
        measured={},
    )


@pytest.fixture
def register(state) -> ModelRegister:
    """An empty register."""
    return ModelRegister(state)


def test_living_workers_and_their_slots_are_counted(register: ModelRegister, state):
    register.register("w1", slots=2, free=0, cards=[card("net", "1")])
    register.register("w2", slots=3, free=0, cards=[card("net", "1")])
    assert (register.serving("net@1").workers, register.serving("net@1").slots) == (2, 5)
    state.zadd("inferq:serving:net@1", {"w1": 1})
    assert (register.serving("net@1").workers, register.serving("net@1").slots) == (1, 3)


def test_a_worker_that_leaves_takes_its_slots_but_not_the_card(register: ModelRegister):
    register.register("w1", slots=2, free=0, cards=[card("net", "1")])
    register.unregister("w1", [card("net", "1")])
    assert register.serving("net@1").workers == 0
    assert [c.reference for c in register.cards()] == ["net@1"]


def test_a_worker_that_takes_nothing_new_of_a_model_does_not_serve_it(register: ModelRegister):
    cards = [card("a", "1"), card("b", "1")]
    register.register("w1", slots=2, free=0, cards=cards, drained={"a@1"})
    assert (register.serving("a@1").workers, register.serving("a@1").drained) == (0, 1)
    assert register.serving("b@1").workers == 1
    (worker,) = register.workers()
    assert (worker.models, worker.drained) == (("a@1", "b@1"), ("a@1",))
    register.register("w1", slots=2, free=0, cards=cards)
    assert (register.serving("a@1").workers, register.serving("a@1").drained) == (1, 0)
    register.register("w1", slots=2, free=0, cards=cards, drained={"a@1"})
    register.unregister("w1", cards)
    assert register.workers() == []


def test_a_name_alone_means_the_newest_version(register: ModelRegister):
    register.register(
        "w1", slots=1, free=0, cards=[card("net", "2"), card("net", "10"), card("net", "beta")]
    )
    assert register.find("net", None).version == "10"
    assert register.find("net@2", None).version == "2"


def test_the_default_model_is_the_one_that_is_set(register: ModelRegister):
    register.register("w1", slots=1, free=0, cards=[card("a", "1"), card("b", "1")])
    assert register.find(None, "b").name == "b"
    assert register.find("", "b").name == "b"
    with pytest.raises(UnknownModel, match="Known models: a@1, b@1"):
        register.find("c", "b")
