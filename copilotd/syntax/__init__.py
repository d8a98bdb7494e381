"""Program text: languages, lines, nesting, syntax trees."""
