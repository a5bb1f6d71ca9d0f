"""S3 and whatever else speaks its protocol."""

from s3fs import S3FileSystem


class S3Files(S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """s3fs without retries of its own: around botocore's, and around each other, they made fifty tries of one read."""

    retries = 1
