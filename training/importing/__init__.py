"""A city's own records become a corpus: read, mapped to this taxonomy, redacted, grouped."""
