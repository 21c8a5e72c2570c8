"""The parts of the chat page. They ask the public API of `qa` and show what comes back."""
