-- One-time tokens. The random part is known to whoever holds the token only; here is its SHA-256.
create table enrollment_tokens (
  token_hash bytea primary key,
  tenant_id uuid not null,
  edge_id uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- Set once, by the statement that also decides who may use it.
  used_at timestamptz,
  -- A newer token of the same edge was made.
  replaced_at timestamptz,
  certificate_serial text references certificates (serial) on delete cascade,
  agent_version text,
  host_name text,
  constraint enrollment_tokens_hash_sha256 check (octet_length(token_hash) = 32),
  constraint enrollment_tokens_lifetime check (created_at < expires_at),
  constraint enrollment_tokens_edge_fkey
    foreign key (tenant_id, edge_id) references edges (tenant_id, id) on delete cascade
);

create index enrollment_tokens_edge on enrollment_tokens (tenant_id, edge_id);
