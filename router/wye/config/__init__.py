"""TOML to typed options, with every mistake reported at once."""

from wye.config.load import load_config
from wye.config.model import Config, SinkConfig, SourceConfig, TransformConfig

__all__ = ["Config", "SinkConfig", "SourceConfig", "TransformConfig", "load_config"]
