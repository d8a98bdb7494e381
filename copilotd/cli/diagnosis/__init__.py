"""What `copilotd doctor` looks at; one file per thing that can be wrong."""
