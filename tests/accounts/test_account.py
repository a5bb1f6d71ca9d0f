"""Tokens, names, passwords."""

import pytest

from inferq.accounts.account import DEMO_PASSWORD, Kind, Token, wrong_name, wrong_password
from inferq.accounts.passwords import check_password, hash_password


@pytest.mark.parametrize("kind", list(Kind))
def test_a_token_is_read_back_and_fits_its_own_digest_alone(kind: Kind):
    token, other = Token.new(kind), Token.new(kind)
    assert Token.parse(str(token)) == token
    assert token.fits(token.digest)
    assert not token.fits(other.digest)
    assert token.secret not in token.digest


def test_an_api_key_begins_with_iq():
    assert str(Token.new(Kind.API_KEY)).startswith("iq_")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "a",
        lambda text: text.replace("iq_", "xx_"),
        lambda text: text + "\n",
        lambda text: "",
        lambda text: text[:20] + "é" + text[21:],
    ],
)
def test_what_cannot_be_a_token_is_none(change):
    assert Token.parse(change(str(Token.new(Kind.API_KEY)))) is None


@pytest.mark.parametrize("name", ["", "Ann", "-ann", "a b", "a" * 33, "ann\n", "ml_user", "ä"])
def test_a_users_name_is_plain(name: str):
    assert wrong_name(name)
    assert wrong_name("ann.b-2") is None


@pytest.mark.parametrize("password", ["", "short", "x" * 257, DEMO_PASSWORD])
def test_a_password_is_neither_short_nor_known(password: str):
    assert wrong_password(password)
    assert wrong_password("correct horse battery") is None


def test_a_password_is_checked_against_its_hash():
    hashed = hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert check_password("correct horse battery", hashed)
    assert not check_password("Correct horse battery", hashed)
    for nothing in (None, "", "no hash"):
        assert not check_password("correct horse battery", nothing)
