"""Exit 0 when the service on this port says it is ready; standard library only."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def main(port: int) -> int:
    """Ask `/readyz` on loopback; anything but 200 within three seconds is unhealthy."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as answer:
            print(answer.read(300).decode("utf-8", "replace"))
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        print(error.code, error.read(300).decode("utf-8", "replace"))
    except OSError as error:
        print(error)
    return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
