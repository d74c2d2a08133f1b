-- What was answered to requests that had an Idempotency-Key: written with what they changed, so that one is not without the other.
create table idempotency_keys (
  tenant_id uuid not null references tenants (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  -- The key itself is with the client only.
  key_hash bytea not null,
  -- Of the request, keyed with the key: whoever reads this table cannot try bodies against it.
  fingerprint bytea not null,
  etag text,
  -- JSON; null: not kept, because it held a secret that is shown once or is too large.
  answer text,
  created_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (tenant_id, user_id, key_hash),
  constraint idempotency_keys_hashes_sha256 check (octet_length(key_hash) = 32 and octet_length(fingerprint) = 32),
  constraint idempotency_keys_answer_size check (octet_length(answer) <= 1048576)
);

create index idempotency_keys_age on idempotency_keys (tenant_id, user_id, created_at);
create index idempotency_keys_user on idempotency_keys (user_id);
