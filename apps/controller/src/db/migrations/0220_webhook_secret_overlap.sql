-- The secret before the present one: what is delivered is signed with both until then, so that a receiver loses nothing while it changes.
alter table webhooks
  add column previous_sealed_secret bytea,
  add column previous_secret_until timestamptz,
  add constraint webhooks_previous_sealed_secret_length check (octet_length(previous_sealed_secret) = 64),
  add constraint webhooks_previous_secret check ((previous_sealed_secret is null) = (previous_secret_until is null));
