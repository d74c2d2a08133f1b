-- Which members of the tenant in scope come by the OpenID provider, which says their role at each login. Another tenant may keep the
-- account, whose row is not seen in this one.
create function members_by_oidc() returns setof uuid language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'accounts', true);
  return query select u.id from users u join tenant_members m on m.user_id = u.id
    where m.tenant_id = scope_tenant() and u.oidc_subject is not null;
  perform set_config('weft.scope', own_scope, true);
end
$$;
