-- Second factors (RFC 6238), one for each user that wants one. The secret is sealed with a key that the database does not have.
create table totp_factors (
  user_id uuid primary key references users (id) on delete cascade,
  sealed_secret bytea not null,
  created_at timestamptz not null default now(),
  -- Null: its user has not shown yet that the authenticator works; no code is asked for until then.
  confirmed_at timestamptz,
  -- Of the last code that was taken: it and those before it are refused.
  last_step bigint not null default 0,
  constraint totp_factors_sealed_secret_size check (octet_length(sealed_secret) between 33 and 256)
);

-- What lets a user in whose authenticator is gone, once each. The codes are with the user only; here is the SHA-256 of each.
create table recovery_codes (
  user_id uuid not null references users (id) on delete cascade,
  code_hash bytea not null,
  constraint recovery_codes_pkey primary key (user_id, code_hash),
  constraint recovery_codes_code_hash_sha256 check (octet_length(code_hash) = 32)
);
