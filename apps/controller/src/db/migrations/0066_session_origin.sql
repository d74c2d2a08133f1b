-- Users see their own sessions, and end those that they do not know. The id names a session and lets nobody in.
alter table http_sessions
  add column id uuid not null default gen_random_uuid(),
  -- Null in those from before there was any.
  add column address text,
  add column user_agent text,
  add constraint http_sessions_id_key unique (id),
  add constraint http_sessions_address_length check (char_length(address) between 1 and 100),
  add constraint http_sessions_user_agent_length check (char_length(user_agent) between 1 and 300);
