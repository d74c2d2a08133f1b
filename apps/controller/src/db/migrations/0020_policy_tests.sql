-- What operators say must hold whatever the rules become: each is proven of every revision before it is published.
create table policy_tests (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  -- Selectors and services as the API writes them. No references: a test about a site that was removed must fail, not vanish.
  sources jsonb not null,
  destinations jsonb not null,
  services jsonb not null,
  expect text not null,
  -- Grows with every change of the test; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint policy_tests_tenant_id_id_key unique (tenant_id, id),
  constraint policy_tests_name_key unique (tenant_id, name),
  constraint policy_tests_name_length check (char_length(name) between 1 and 100),
  constraint policy_tests_description_length check (char_length(description) <= 1000),
  constraint policy_tests_expect check (expect in ('allowed', 'denied')),
  constraint policy_tests_lists check (
    jsonb_typeof(sources) = 'array' and jsonb_typeof(destinations) = 'array' and jsonb_typeof(services) = 'array'
    and jsonb_array_length(sources) >= 1 and jsonb_array_length(destinations) >= 1 and jsonb_array_length(services) >= 1
  )
);
