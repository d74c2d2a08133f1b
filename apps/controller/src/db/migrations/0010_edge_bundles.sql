-- What each edge should run and what it is known to run. Traffic keys are no part of it.
create table edge_bundles (
  tenant_id uuid not null references tenants (id),
  -- No reference to edges: an edge that was removed keeps its last bundle until a revision without it is published.
  edge_id uuid not null,
  -- The newest revision that was compiled; the content may be older.
  revision integer not null,
  -- Grows with the content only.
  generation bigint not null,
  content_hash bytea not null,
  content bytea not null,
  applied_revision integer,
  applied_generation bigint,
  applied_hash bytea,
  applied_content bytea,
  applied_at timestamptz,
  rejected_hash bytea,
  rejection_path text,
  rejection_rule text,
  rejection_reason text,
  rejected_at timestamptz,
  constraint edge_bundles_pkey primary key (tenant_id, edge_id),
  constraint edge_bundles_generation_range check (generation >= 1),
  constraint edge_bundles_content_hash check (content_hash = sha256(content)),
  constraint edge_bundles_applied check (
    num_nonnulls(applied_revision, applied_generation, applied_hash, applied_content, applied_at) in (0, 5)
  ),
  constraint edge_bundles_rejection check (
    num_nonnulls(rejected_hash, rejection_path, rejection_rule, rejection_reason, rejected_at) in (0, 5)
  )
);

create unique index edge_bundles_edge_id on edge_bundles (edge_id);

-- A hint to every controller on this database; polling by number is the guarantee.
create function announce_revision() returns trigger language plpgsql as $$
begin
  perform pg_notify('weft_revision', new.tenant_id::text);
  return null;
end
$$;

create trigger revisions_announce after insert on revisions
  for each row execute function announce_revision();
