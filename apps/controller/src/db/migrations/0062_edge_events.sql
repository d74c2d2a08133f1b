-- What edges told of themselves, the newest of them: whoever stores more removes the oldest.
create table edge_events (
  -- In order of arrival.
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants (id),
  -- No reference: what happened outlives the edge.
  edge_id uuid not null,
  -- Run of the agent, and the number of the event in it: what is sent twice is stored once.
  boot_id text not null,
  number bigint not null,
  kind text not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null default now(),
  tunnel_id uuid,
  cause text,
  detail text,
  count numeric,
  constraint edge_events_number_range check (number >= 1),
  constraint edge_events_number_key unique (edge_id, boot_id, number)
);

create index edge_events_tenant on edge_events (tenant_id, id);
create index edge_events_edge on edge_events (edge_id, id);
