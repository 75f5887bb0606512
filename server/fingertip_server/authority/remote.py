"""The bank's own time-stamp authority: RFC 3161 over HTTP or HTTPS."""

import asyncio
import http.client
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from cryptography import x509

from fingertip_server.authority import stamps
from fingertip_server.authority.errors import Broken, StampRefused
from fingertip_server.authority.stamps import Question

# A token holds a few certificates; what is larger is none.
_ANSWER_BYTES_MAX = 64 * 1024
# Threads of its own: an authority that hangs must not hold up passwords.
_AT_ONCE = 8


class RemoteTimeStamps:
    """Asks an authority, and believes its answer when it verifies."""

    def __init__(
        self, url: str, anchors: Sequence[x509.Certificate], timeout_seconds: float
    ) -> None:
        self._url = urlsplit(url)
        self.anchors = anchors
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="time-stamp")

    async def stamp(self, content: bytes, now: datetime) -> bytes:  # noqa: ARG002 - it has a clock
        """Returns a time-stamp of a content; raises StampRefused when none is to be had now."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, self._ask, content)
        try:
            # Its time-out is of each step; together they may not take longer either.
            return await asyncio.wait_for(asked, 2 * self._timeout_seconds)
        except TimeoutError:
            raise StampRefused("The time-stamp authority did not answer in time.") from None

    def _ask(self, content: bytes) -> bytes:
        question = Question.about(content)
        try:
            token = question.token_in(self._posted(question.encoded()))
            stamps.verify(token, content, self.anchors)
        except (OSError, http.client.HTTPException) as error:
            kind = type(error).__name__
            raise StampRefused(f"The time-stamp authority cannot be reached ({kind}).") from error
        except Broken as broken:
            raise StampRefused(f"The time-stamp authority's answer is no proof: {broken}") from None
        return token

    def _posted(self, question: bytes) -> bytes:
        connection = _connection(self._url, self._timeout_seconds)
        try:
            path = self._url.path or "/"
            connection.request(
                "POST",
                f"{path}?{self._url.query}" if self._url.query else path,
                question,
                {
                    "Content-Type": "application/timestamp-query",
                    "Accept": "application/timestamp-reply",
                },
            )
            response = connection.getresponse()
            answer = response.read(_ANSWER_BYTES_MAX + 1)
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise StampRefused(f"The time-stamp authority answered HTTP {response.status}.")
        if len(answer) > _ANSWER_BYTES_MAX:
            raise StampRefused("The time-stamp authority's answer is too large.")
        return answer


def _connection(url: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        # Trusts what the machine trusts; SSL_CERT_FILE names others.
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, url.port, timeout=timeout_seconds, context=context)
    return http.client.HTTPConnection(host, url.port, timeout=timeout_seconds)
