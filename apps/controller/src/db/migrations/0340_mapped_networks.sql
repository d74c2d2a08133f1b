-- What the fabric knows a network by, when another site uses the same prefix: the n-th address of one is that of the other. Null: its
-- own prefix, as with all networks before.
alter table networks
  add column mapped_prefix cidr,
  add constraint networks_mapped_prefix_length check (
    family(mapped_prefix) = family(prefix) and masklen(mapped_prefix) = masklen(prefix)
  ),
  add constraint networks_mapped_prefix_apart check (not mapped_prefix && prefix),
  -- What belongs to one site of a tenant is an address of the fabric.
  drop constraint networks_prefix_overlap,
  add constraint networks_prefix_overlap
    exclude using gist (tenant_id with =, (coalesce(mapped_prefix, prefix)) inet_ops with &&) deferrable initially immediate;
