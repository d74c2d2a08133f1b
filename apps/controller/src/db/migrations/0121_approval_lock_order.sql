-- Triggers of one row run by name. A change of both the rule and what is in an intent took the journal first, and then what others hold
-- who wait for the journal: the order is editors, approvals, journal (0120_approvals.sql).
alter trigger tenants_append on tenants rename to tenants_journal;
