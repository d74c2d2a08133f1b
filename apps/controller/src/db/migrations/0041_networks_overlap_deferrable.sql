-- An import moves many prefixes at once: what overlaps on the way is looked at when all are where they belong. Otherwise nothing
-- changes: the constraint is checked with each statement.
alter table networks
  drop constraint networks_prefix_overlap,
  add constraint networks_prefix_overlap
    exclude using gist (tenant_id with =, prefix inet_ops with &&) deferrable initially immediate;
