-- Certificates given to edges. Edges are deleted with theirs: a serial that is not here is refused.
create table certificates (
  serial text primary key,
  tenant_id uuid not null,
  edge_id uuid not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  issued_at timestamptz not null default now(),
  revoked_at timestamptz,
  revocation_reason text,
  constraint certificates_serial_hex check (serial ~ '^[0-9a-f]{1,40}$'),
  constraint certificates_validity check (not_before < not_after),
  constraint certificates_revocation_whole check ((revoked_at is null) = (revocation_reason is null)),
  constraint certificates_edge_fkey
    foreign key (tenant_id, edge_id) references edges (tenant_id, id) on delete cascade
);

-- An edge is one machine: at most one certificate speaks for it.
create unique index certificates_one_in_force on certificates (tenant_id, edge_id) where revoked_at is null;

-- The keys that edges of this database trust; see TrustAnchor.
create table trust_anchor (
  singleton boolean primary key default true check (singleton),
  root_fingerprint bytea not null check (octet_length(root_fingerprint) = 32),
  signing_key_id text not null check (signing_key_id ~ '^[0-9a-f]{64}$')
);
