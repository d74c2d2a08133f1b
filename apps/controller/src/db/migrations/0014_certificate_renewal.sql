-- A certificate that is renewed stays valid to its end, so that several may speak for one edge. All that follow from one
-- enrollment have its number; when one of a later enrollment comes in, those of earlier ones are superseded.
drop index certificates_one_in_force;

create sequence certificate_enrollments as bigint;

alter table certificates
  add column enrollment bigint not null default nextval('certificate_enrollments'),
  -- The certificate that the edge showed when it asked for this one; null for the first of an enrollment.
  add column renewal_of text references certificates (serial) on delete set null,
  -- When a session was first opened with it.
  add column first_used_at timestamptz;

-- What was in force until now was so from the moment of its issue.
update certificates set first_used_at = issued_at;

create index certificates_edge on certificates (tenant_id, edge_id);
