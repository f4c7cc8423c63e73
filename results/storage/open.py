"""From an address to a copy of a store."""

from __future__ import annotations

from urllib.parse import urlsplit

from assay.harness.errors import RefusalError
from assay.results.storage.shelf import Shelf

POSTGRES = {"postgresql", "postgres"}
# Extra of ours to install, by scheme, where the library behind it is missing.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "az": "abfs", "postgresql": "postgres", "postgres": "postgres"}


def open_shelf(url: str, *, where: str = "URL") -> Shelf:
    """Open a copy; RefusalError for an address of no kind, or where its library is not installed."""
    scheme = urlsplit(url).scheme
    try:
        if scheme in POSTGRES:
            import psycopg  # noqa: F401 - only to see whether it is there

            from assay.results.storage.postgres import Postgres

            return Postgres(url)
        import fsspec

        from assay.results.storage.objects import Objects

        filesystem, root = fsspec.core.url_to_fs(url)
        return Objects(url, filesystem, str(root))
    except ImportError as error:
        extra = EXTRAS.get(scheme)
        fix = f"Install it: pip install 'assay-harness[{extra}]'." if extra else "Install what fsspec asks for."
        message = f"needs a library that is not installed ({error})"
        raise RefusalError(message, value=url, where=where, fix=fix) from error
    except ValueError as error:
        message = f"is no address of a store: {error}"
        raise RefusalError(
            message, value=url, where=where, fix="Use a folder, s3://BUCKET/PREFIX, gs://, abfs://, or postgresql://."
        ) from error
