"""The socket and the settings with which Uvicorn serves."""

import socket
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.serving import DEAD_PEER_S, listening_socket, server_config


def settings_for(tmp_path: Path, host: str = "127.0.0.1") -> Settings:
    return Settings(host=host, port=0, data_dir=tmp_path)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux drops dead peers by a socket option")
def test_accepted_connections_inherit_the_time_out_for_dead_peers(tmp_path: Path) -> None:
    with listening_socket(settings_for(tmp_path)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == DEAD_PEER_S * 1000


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_listens_where_it_is_told(tmp_path: Path, host: str) -> None:
    with listening_socket(settings_for(tmp_path, host)) as listening:
        assert listening.getsockname()[1] > 0


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    with listening_socket(settings_for(tmp_path)) as listening:
        taken = settings_for(tmp_path).model_copy(update={"port": listening.getsockname()[1]})
        with pytest.raises(OSError):
            listening_socket(taken)


async def test_sockets_are_neither_compressed_nor_large(tmp_path: Path) -> None:
    async def app(*_: object) -> None: ...

    config = server_config(settings_for(tmp_path), app)
    assert config.ws_per_message_deflate is False
    assert config.ws_max_size == 64 * 1024
    assert config.timeout_graceful_shutdown == 20
    assert config.server_header is False
