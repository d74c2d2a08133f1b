-- What each rule in force means, as a hash, by its identifier: what it says and what it names, as the compiler resolved that when the
-- revision was published (packages/fabric-compiler/src/explain/rule-meaning.ts). Null: published before that was kept, and nobody
-- compiles it again: between such a revision and its neighbours only what is written in a rule can be compared.
alter table revisions add column rule_meanings jsonb;
