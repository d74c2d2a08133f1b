-- An exclusion constraint on (uuid, cidr) needs uuid in GiST; the extension is a trusted one.
create extension if not exists btree_gist;

create table sites (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Whoever refers to a site names its tenant as well, so that no reference can cross tenants.
  constraint sites_tenant_id_id_key unique (tenant_id, id),
  constraint sites_name_key unique (tenant_id, name),
  constraint sites_name_length check (char_length(name) between 1 and 100),
  constraint sites_description_length check (char_length(description) <= 1000)
);

create table networks (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  site_id uuid not null,
  name text not null,
  prefix cidr not null,
  created_at timestamptz not null default now(),
  constraint networks_tenant_id_id_key unique (tenant_id, id),
  constraint networks_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint networks_name_key unique (tenant_id, site_id, name),
  constraint networks_name_length check (char_length(name) between 1 and 100),
  -- An overlay address belongs to one site of a tenant, or routing could not decide.
  constraint networks_prefix_overlap exclude using gist (tenant_id with =, prefix inet_ops with &&)
);

create table edges (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  site_id uuid not null,
  name text not null,
  underlay_address inet not null,
  underlay_port integer not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint edges_tenant_id_id_key unique (tenant_id, id),
  constraint edges_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint edges_name_key unique (tenant_id, name),
  constraint edges_name_length check (char_length(name) between 1 and 100),
  constraint edges_underlay_address_host
    check (masklen(underlay_address) = case family(underlay_address) when 4 then 32 else 128 end),
  constraint edges_underlay_port_range check (underlay_port between 1 and 65535)
);

create index edges_site on edges (tenant_id, site_id);
