"""What moto lacks of S3 as an archive: digests that are checked, locks on what is sent in parts, digests of parts that are listed."""

import base64
import hashlib
import re
from typing import Any

#: The headers by which an object is locked, and where moto keeps them.
LOCKS = {
    "x-amz-object-lock-mode": "lock_mode",
    "x-amz-object-lock-retain-until-date": "lock_until",
    "x-amz-object-lock-legal-hold": "lock_legal_status",
}
DIGEST = "x-amz-checksum-sha256"


def apply() -> None:
    """Applies all of it; before the first request."""
    _check_digests()
    _lock_what_is_sent_in_parts()
    _list_digests_of_parts()


def _digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _check_digests() -> None:
    from moto.s3.exceptions import S3ClientError
    from moto.s3.responses import S3Response

    put, part = S3Response.put_object, S3Response.upload_part

    def check(self: Any) -> None:
        told = self.headers.get(DIGEST)
        if told and told != _digest(self.body or b""):
            raise S3ClientError("BadDigest", "The SHA256 you specified did not match the calculated checksum.")

    def checked_put(self: Any, *arguments: Any, **named: Any) -> Any:
        check(self)
        return put(self, *arguments, **named)

    def checked_part(self: Any, *arguments: Any, **named: Any) -> Any:
        check(self)
        return part(self, *arguments, **named)

    S3Response.put_object, S3Response.upload_part = checked_put, checked_part


def _lock_what_is_sent_in_parts() -> None:
    from moto.s3.responses import S3Response

    post = S3Response._key_response_post

    def posted(self: Any, request: Any, body: bytes, bucket_name: str, query: dict[str, Any], key_name: str) -> Any:
        answer = post(self, request, body, bucket_name, query, key_name)
        bucket = self.backend.get_bucket(bucket_name)
        if "uploads" in query:
            upload = list(bucket.multiparts.values())[-1]
            upload.locks = {name: request.headers.get(header) for header, name in LOCKS.items()}
        elif "uploadId" in query and answer[0] == 200:
            key = self.backend.get_object(bucket_name, key_name)
            for name, value in getattr(key.multipart, "locks", {}).items():
                setattr(key, name, value)
            if key.checksum_type == "COMPOSITE":
                # HEAD tells the number of parts too, as GET does.
                key.checksum_value, key.checksum_type = f"{key.checksum_value}-{key.checksum_parts}", None
        return answer

    S3Response._key_response_post = posted


def _list_digests_of_parts() -> None:
    from moto.s3.responses import S3Response

    parts = S3Response.list_parts

    def listed(self: Any) -> Any:
        status, headers, body = parts(self)
        upload = self.backend.get_bucket(self.bucket_name).multiparts[self._get_param("uploadId")]

        def with_digest(found: re.Match[str]) -> str:
            value = upload.parts[int(found.group(1))].value
            return found.group(0).replace("</PartNumber>", f"</PartNumber><ChecksumSHA256>{_digest(value)}</ChecksumSHA256>")

        text = body.decode() if isinstance(body, bytes) else body
        text = re.sub(r"<PartNumber>(\d+)</PartNumber>", with_digest, text)
        headers["content-length"] = str(len(text.encode()))
        return status, headers, text

    S3Response.list_parts = listed
