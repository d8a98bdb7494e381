"""Code that several dialects need: errors, streams, messages, images."""
