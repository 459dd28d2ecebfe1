"""The ground of every floor: settings, database, unit of work, tenancy, errors, ids, clock, feed, jobs, limits."""
