-- The gauges count all cases by site and state, from this index alone.
CREATE INDEX cases_counted ON cases (site, state);
