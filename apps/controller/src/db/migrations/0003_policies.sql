create table policies (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  enabled boolean not null,
  position integer not null,
  -- Grows with every change of the policy; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint policies_tenant_id_id_key unique (tenant_id, id),
  constraint policies_name_key unique (tenant_id, name),
  constraint policies_name_length check (char_length(name) between 1 and 100),
  constraint policies_description_length check (char_length(description) <= 1000),
  -- Deferred: a new order is written row by row.
  constraint policies_position_key unique (tenant_id, position) deferrable initially deferred,
  constraint policies_position_range check (position >= 0)
);

create table policy_rules (
  tenant_id uuid not null,
  id uuid not null,
  policy_id uuid not null,
  position integer not null,
  name text not null,
  action text not null,
  enabled boolean not null,
  constraint policy_rules_pkey primary key (tenant_id, id),
  constraint policy_rules_policy_fkey foreign key (tenant_id, policy_id)
    references policies (tenant_id, id) on delete cascade,
  constraint policy_rules_position_key unique (tenant_id, policy_id, position),
  constraint policy_rules_name_length check (char_length(name) between 1 and 100),
  constraint policy_rules_action check (action in ('PROTECT', 'DISCARD', 'BYPASS')),
  constraint policy_rules_position_range check (position >= 0)
);

-- One selector of one side of a rule. What it names must exist in the same tenant and stays while it is named.
create table rule_endpoints (
  tenant_id uuid not null,
  rule_id uuid not null,
  side text not null,
  position integer not null,
  kind text not null,
  site_id uuid,
  network_id uuid,
  prefix cidr,
  constraint rule_endpoints_pkey primary key (tenant_id, rule_id, side, position),
  constraint rule_endpoints_rule_fkey foreign key (tenant_id, rule_id)
    references policy_rules (tenant_id, id) on delete cascade,
  constraint rule_endpoints_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint rule_endpoints_network_fkey foreign key (tenant_id, network_id) references networks (tenant_id, id),
  constraint rule_endpoints_side check (side in ('sources', 'destinations')),
  constraint rule_endpoints_position_range check (position >= 0),
  constraint rule_endpoints_kind check (
    case kind
      when 'any' then num_nonnulls(site_id, network_id, prefix) = 0
      when 'site' then site_id is not null and num_nonnulls(network_id, prefix) = 0
      when 'network' then network_id is not null and num_nonnulls(site_id, prefix) = 0
      when 'prefix' then prefix is not null and num_nonnulls(site_id, network_id) = 0
      else false
    end
  )
);

create index rule_endpoints_site on rule_endpoints (tenant_id, site_id) where site_id is not null;
create index rule_endpoints_network on rule_endpoints (tenant_id, network_id) where network_id is not null;

create table rule_services (
  tenant_id uuid not null,
  rule_id uuid not null,
  position integer not null,
  protocol text not null,
  -- Destination ports; empty is all of them.
  ports int4range[] not null,
  constraint rule_services_pkey primary key (tenant_id, rule_id, position),
  constraint rule_services_rule_fkey foreign key (tenant_id, rule_id)
    references policy_rules (tenant_id, id) on delete cascade,
  constraint rule_services_position_range check (position >= 0),
  constraint rule_services_protocol check (protocol in ('any', 'tcp', 'udp', 'icmp', 'icmpv6')),
  constraint rule_services_ports_protocol check (cardinality(ports) = 0 or protocol in ('tcp', 'udp')),
  constraint rule_services_ports_range check (int4range(0, 65536) @> all (ports))
);
