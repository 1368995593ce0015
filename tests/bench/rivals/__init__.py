"""Our runtime and service beside what a user would pick instead: accuracy, latency, memory, size in one run."""
