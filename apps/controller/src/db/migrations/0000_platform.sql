-- Fencing of stale controllers: each start takes the next epoch, bundles carry it, edges refuse an older one.
create table controller_epoch (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null check (epoch >= 0)
);

insert into controller_epoch (epoch) values (0);
