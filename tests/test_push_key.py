"""The key that signs pushes: made once, kept close, the same for all."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from capacity.config_file import ConfigError
from web.cli import main
from web.notify.push_key import PushKey, decode, encode, kept_push_key, push_key, read_push_key


def test_a_key_is_made_once_and_for_the_service_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = kept_push_key(folder)
    assert kept_push_key(folder).public == first.public
    assert stat.S_IMODE((folder / "push-key.pem").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["push-key.pem"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(kept_push_key, [tmp_path] * 64))
    assert len({key.public for key in keys}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["push-key.pem"]


def test_a_key_is_read_as_it_was_written() -> None:
    key = PushKey.new()
    for text in (key.secret(), key.secret() + "\n", key.secret() + "=", key.pem().decode()):
        assert read_push_key(text).public == key.public
    assert len(decode(key.public, 65)) == 65


def _pem(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "A" * 43, "_" * 43, encode(b"\0" * 32), encode(b"\xff" * 32), encode(b"1" * 31),
        "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(ed25519.Ed25519PrivateKey.generate()),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_and_not_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="P-256") as refused:
        read_push_key(text)
    assert len(text) < 5 or text not in str(refused.value)
    (tmp_path / "push-key.pem").write_text(text)
    with pytest.raises(ConfigError, match=r"push-key\.pem"):
        kept_push_key(tmp_path)
    with pytest.raises(ConfigError, match="AKUTOVERBLIK_PUSH_KEY"):
        push_key(text, tmp_path)


@given(st.binary(max_size=80))
def test_base64url_there_and_back(raw: bytes) -> None:
    assert decode(encode(raw), len(raw)) == raw


def test_a_private_key_is_not_shown_by_accident() -> None:
    key = PushKey.new()
    assert key.secret() not in repr(key)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AKUTOVERBLIK_DATA", str(tmp_path))
    assert main(["push-key", "new"]) == 0
    secret = capsys.readouterr().out.strip()
    assert list(tmp_path.iterdir()) == []  # printed, not kept
    monkeypatch.setenv("AKUTOVERBLIK_PUSH_KEY", secret)
    assert main(["push-key", "show"]) == 0
    assert capsys.readouterr().out.strip() == read_push_key(secret).public
    monkeypatch.setenv("AKUTOVERBLIK_PUSH_KEY", "wrong-s3cret")
    assert main(["push-key", "show"]) == 2
    said = capsys.readouterr().err
    assert "AKUTOVERBLIK_PUSH_KEY" in said
    assert "s3cret" not in said
