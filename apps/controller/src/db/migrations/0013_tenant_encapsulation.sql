-- What ESP of a tenant travels in between its edges: UDP (RFC 3948), or nothing (directly on IP; RFC 9061: espencap). In force with
-- the next revision.
alter table tenants
  add column encapsulation text not null default 'udp',
  add constraint tenants_encapsulation check (encapsulation in ('udp', 'none'));
