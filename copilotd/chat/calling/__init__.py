"""Function calling: how the model is shown its tools, how it may call them, how calls are read."""
