create table tenants (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now(),
  constraint tenants_name_key unique (name),
  constraint tenants_name_length check (char_length(name) between 1 and 100)
);

create table users (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  -- PHC string with parameters and salt.
  password_hash text not null,
  -- May make tenants and work in all of them.
  administrator boolean not null default false,
  created_at timestamptz not null default now(),
  constraint users_name_key unique (name),
  constraint users_name_length check (char_length(name) between 1 and 100),
  constraint users_password_hash_argon2id check (password_hash like '$argon2id$%')
);

create index users_tenant_id on users (tenant_id);

-- The secret itself is known to the browser only: reading this table lets nobody in.
create table http_sessions (
  secret_hash bytea primary key,
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint http_sessions_secret_hash_sha256 check (octet_length(secret_hash) = 32)
);

create index http_sessions_user_id on http_sessions (user_id);
create index http_sessions_expires_at on http_sessions (expires_at);
