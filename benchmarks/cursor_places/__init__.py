"""Random places for the cursor in files that parse, and the judge of what is shown there."""
