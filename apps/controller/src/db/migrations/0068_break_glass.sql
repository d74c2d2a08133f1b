-- Who logged in by what the controller's host made (--break-glass), when nobody else could. Its user has the least role and no known
-- password: what such a session may do is its own.
alter table users add column break_glass boolean not null default false;
create unique index users_break_glass on users (break_glass) where break_glass;

alter table http_sessions add column break_glass boolean not null default false;
