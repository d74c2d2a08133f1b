-- What programs log in with. The secret is with whoever holds the token only; here is its SHA-256.
create table api_tokens (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  -- Who made it, and on whose behalf it acts: it goes with its maker, and never does more than its maker may at that time.
  user_id uuid not null references users (id) on delete cascade,
  -- The maker's name, which does not change: a maker of the provider is no user of the tenant.
  user_name text not null,
  name text not null,
  role text not null,
  secret_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- To the minute.
  last_used_at timestamptz,
  constraint api_tokens_name_key unique (tenant_id, user_id, name),
  constraint api_tokens_name_length check (char_length(name) between 1 and 100),
  constraint api_tokens_role check (role in ('viewer', 'operator', 'approver', 'admin')),
  constraint api_tokens_secret_hash_key unique (secret_hash),
  constraint api_tokens_secret_hash_sha256 check (octet_length(secret_hash) = 32),
  constraint api_tokens_lifetime check (expires_at > created_at and expires_at <= created_at + interval '366 days')
);

create index api_tokens_user_id on api_tokens (user_id);
