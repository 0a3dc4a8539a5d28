"""The HTTP adapter: Litestar routes over the use cases."""
