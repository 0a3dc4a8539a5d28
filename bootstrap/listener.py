"""The address that the server listens on, and who can reach it."""

import ipaddress
import socket

from bootstrap.settings import Settings, exit_with


def listen(settings: Settings) -> socket.socket:
    """Take the address; exit code 2 and a sentence when it is taken, or open to others while there are no keys.

    It is taken first: a second server must not touch the jobs of the one that has it.
    """
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        if not settings.api_keys_file and not is_loopback(str(address[0])):
            exit_with(
                f"listening on {settings.host} would let everybody in who can reach it, since there are no keys; make one with "
                "`python -m bootstrap.keys create NAME --scopes read,infer,train --file keys.json` and start with "
                "GRPO_API_KEYS_FILE=keys.json, or listen on 127.0.0.1."
            )
        # The address that was looked at is the one that is taken, not the name, which may mean another by now.
        return socket.create_server((str(address[0]), settings.port), family=family)
    except UnicodeError:
        exit_with(f"cannot listen on {settings.host[:100]!r}: it is no name of a host")
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        exit_with(f"cannot listen on {settings.host}:{settings.port}: {reason}")


def own_url(listener: socket.socket) -> str:
    """Where this machine reaches the server."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # every address of this machine
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a numeric address."""
    return ipaddress.ip_address(address).is_loopback
