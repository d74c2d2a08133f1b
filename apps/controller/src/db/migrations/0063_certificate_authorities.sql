-- Which certificate authority issued a certificate: the SHA-256 of its root certificate. Null: a controller from before this
-- column did, so the first one.
alter table certificates add column authority bytea;
alter table certificates add constraint certificates_authority_sha256 check (octet_length(authority) = 32);

-- What each edge says that it has on its disk: whom it believes, and what it shows. A certificate authority is retired when no
-- edge in force depends on it, and that is how it is known.
create table edge_trust (
  edge_id uuid primary key,
  tenant_id uuid not null,
  -- Of the trust bundle; 0 before the first.
  version bigint not null,
  certificate_serial text not null,
  reported_at timestamptz not null default now(),
  constraint edge_trust_version_range check (version >= 0),
  constraint edge_trust_serial_hex check (certificate_serial ~ '^[0-9a-f]{1,40}$'),
  constraint edge_trust_edge_fkey
    foreign key (tenant_id, edge_id) references edges (tenant_id, id) on delete cascade
);
