"""Program text without a parser: languages, lines, nesting."""
