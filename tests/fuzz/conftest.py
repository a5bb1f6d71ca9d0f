from system.conftest import served

__all__ = ["served"]
