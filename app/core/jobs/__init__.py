"""Due work: rows are the truth (:mod:`rows`), a :mod:`runner` works them off, a :mod:`carrier` nudges the runners."""
