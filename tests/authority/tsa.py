"""The bank's time-stamp authority: a small one of its own, over real HTTP."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import cms as asn1_cms
from asn1crypto import tsp
from cryptography.hazmat.primitives.serialization import Encoding

from fingertip_server.authority import certificates, cms, suite
from fingertip_server.authority.certificates import Signer
from fingertip_server.authority.suite import ECDSA_P256_SHA256


@dataclass
class BanksAuthority:
    """What it answers may be spoilt by hand."""

    root: Signer
    stamper: Signer
    url: str = ""
    asked: int = 0
    spoilt: str = ""
    hold: threading.Event = field(default_factory=threading.Event)

    def answer(self, question: bytes) -> tuple[int, bytes]:
        """Answers a TimeStampReq."""
        self.asked += 1
        if self.spoilt == "silence":
            self.hold.wait(20)
        if self.spoilt == "status":
            return 503, b"busy"
        if self.spoilt == "garbage":
            return 200, b"\x30\x03\x02\x01"
        if self.spoilt == "huge":
            return 200, b"\x30" * 100_000
        asked = tsp.TimeStampReq.load(question)
        if self.spoilt == "rejection":
            return 200, tsp.TimeStampResp({"status": {"status": "rejection"}}).dump()
        late = timedelta(hours=2) if self.spoilt == "time" else timedelta()
        said = {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": asked["message_imprint"],
            "serial_number": self.asked,
            "gen_time": datetime.now(UTC) + late,
            "nonce": asked["nonce"].native + (1 if self.spoilt == "nonce" else 0),
        }
        if self.spoilt == "content":
            imprint = {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": b"x" * 32,
            }
            said["message_imprint"] = imprint
        held = tsp.TSTInfo(said).dump()
        signer = self.root if self.spoilt == "purpose" else self.stamper
        started = cms.start(suite.digest(suite.DIGEST, held), signer, "tst_info")
        token = cms.finish(started, [self.root.certificate], held=held)
        response = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": asn1_cms.ContentInfo.load(token),
            }
        )
        return 200, response.dump()

    def write_anchors(self, path: Path) -> Path:
        """Writes the certificate that it is trusted by."""
        path.write_bytes(self.root.certificate.public_bytes(Encoding.PEM))
        return path


@contextmanager
def open_authority() -> Iterator[BanksAuthority]:
    """Serves on a free port."""
    now = datetime.now(UTC)
    root = certificates.make_root("某银行", ECDSA_P256_SHA256.new_key(), now)
    stamper = certificates.make_subordinate(
        certificates.STAMPER, "某银行", root, ECDSA_P256_SHA256.new_key(), now
    )
    authority = BanksAuthority(root, stamper)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Type"] != "application/timestamp-query":
                self.send_error(415)
                return
            status, answer = authority.answer(question)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/stamps"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield authority
    finally:
        authority.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
