"""What several dialects need: errors, streams, messages, images."""
