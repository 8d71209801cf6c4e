"""Pretend LMSs and SISs: real HTTP servers for the demo, the tests and the benchmarks. Plain Flask, no Django."""
