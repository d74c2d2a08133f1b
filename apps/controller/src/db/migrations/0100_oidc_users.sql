-- Users who log in at an OpenID provider. Issuer and subject say who it is, and nothing else does: neither the name nor an address of
-- mail, which others may get. Whoever logs in there has no password here.
alter table users
  alter column password_hash drop not null,
  add column oidc_issuer text,
  add column oidc_subject text,
  add constraint users_oidc_key unique (oidc_issuer, oidc_subject),
  add constraint users_oidc_issuer_length check (char_length(oidc_issuer) between 1 and 2000),
  add constraint users_oidc_subject_length check (char_length(oidc_subject) between 1 and 255),
  add constraint users_oidc_identity check ((oidc_issuer is null) = (oidc_subject is null)),
  add constraint users_one_way_in check ((password_hash is null) = (oidc_subject is not null));
