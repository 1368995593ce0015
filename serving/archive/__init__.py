"""An archive of calls is suggested anew, on one machine or many: read in pieces, each of which becomes one file."""
