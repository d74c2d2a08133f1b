-- Pre-shared keys of external peers, sealed with a key from outside of the database (src/platform/secrets/secret-box.ts). Intents, revisions
-- and bundles name a key by its commitment, which does not give it away; a key that a revision names stays, so that the revision
-- can come back.
create table pre_shared_keys (
  tenant_id uuid not null references tenants (id),
  -- SHA-256 of a context string, a salt and the key; the salt is sealed with the key.
  commitment bytea not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint pre_shared_keys_pkey primary key (tenant_id, commitment),
  constraint pre_shared_keys_commitment_length check (octet_length(commitment) = 32),
  -- Name of the key that sealed it, nonce and tag, salt, and a key of 1 to 256 octets.
  constraint pre_shared_keys_sealed_length check (octet_length(sealed) between 65 and 320)
);

-- IKEv2 gateways that are not ours.
create table external_peers (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  -- The site whose edge has the tunnel with it.
  site_id uuid not null,
  name text not null,
  description text not null default '',
  address inet not null,
  port integer not null,
  -- What it shows of itself, and what our edge shows to it.
  identity text not null,
  local_identity text not null,
  commitment bytea not null,
  -- Behind it.
  prefixes cidr[] not null,
  -- As the compiler takes them.
  ike_proposals jsonb not null,
  esp_proposal jsonb not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint external_peers_tenant_id_id_key unique (tenant_id, id),
  constraint external_peers_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint external_peers_commitment_fkey foreign key (tenant_id, commitment)
    references pre_shared_keys (tenant_id, commitment),
  constraint external_peers_name_key unique (tenant_id, name),
  constraint external_peers_name_length check (char_length(name) between 1 and 100),
  constraint external_peers_description_length check (char_length(description) <= 1000),
  constraint external_peers_address_host check (masklen(address) = case family(address) when 4 then 32 else 128 end),
  constraint external_peers_port_range check (port between 1 and 65535),
  constraint external_peers_identity_length check (char_length(identity) between 1 and 253),
  constraint external_peers_local_identity_length check (char_length(local_identity) between 1 and 253),
  constraint external_peers_prefixes_number check (cardinality(prefixes) between 1 and 32),
  constraint external_peers_ike_proposals_number check (jsonb_array_length(ike_proposals) between 1 and 8)
);

create index external_peers_site on external_peers (tenant_id, site_id);

-- Rules may name them.
alter table rule_endpoints
  add column external_peer_id uuid,
  add constraint rule_endpoints_external_peer_fkey foreign key (tenant_id, external_peer_id)
    references external_peers (tenant_id, id),
  drop constraint rule_endpoints_kind,
  add constraint rule_endpoints_kind check (
    case kind
      when 'any' then num_nonnulls(site_id, network_id, prefix, external_peer_id) = 0
      when 'site' then site_id is not null and num_nonnulls(network_id, prefix, external_peer_id) = 0
      when 'network' then network_id is not null and num_nonnulls(site_id, prefix, external_peer_id) = 0
      when 'prefix' then prefix is not null and num_nonnulls(site_id, network_id, external_peer_id) = 0
      when 'external_peer' then external_peer_id is not null and num_nonnulls(site_id, network_id, prefix) = 0
      else false
    end
  );

create index rule_endpoints_external_peer on rule_endpoints (tenant_id, external_peer_id)
  where external_peer_id is not null;

select isolate_tenants();
