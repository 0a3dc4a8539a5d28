"""Route handlers, one file for each part of the API. Each function closes over the use cases that it offers."""
