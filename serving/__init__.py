"""How people use it: HTTP API, page, command line, bulk prediction."""
