"""Generated and nasty requests through every door and the graph, over HTTP, on both databases.

``FUZZ_EXAMPLES=200 pytest tests/fuzz -s`` is the long run: so many generated requests of each kind per operation, and
the whole corpus. The gate's run is short and the same every time.
"""
