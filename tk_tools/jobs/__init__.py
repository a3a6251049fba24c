"""One function over many files: in this process, in a pool of processes, or on a cluster; retries and outcomes."""
