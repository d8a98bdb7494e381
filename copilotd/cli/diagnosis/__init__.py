"""The checks of `copilotd doctor`, one file for each subject."""
