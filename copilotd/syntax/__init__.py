"""What the text of a program says about itself: languages, lines, nesting."""
