#include "server/store/partitions_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// A table becomes a partition of one of its own name and columns, with all that is in it: nothing
// is copied, but its rows are looked at once and the new primary key is built. Months come after
// it, and what lies in none of them goes to the rest.
constexpr std::array<std::string_view, 1> partitions{
    R"(/* postgresql */ DO $both$
DECLARE
  t text;
  i record;
  last bigint;
  newest bigint;
  edge bigint;
BEGIN
  FOREACH t IN ARRAY ARRAY['reading', 'message'] LOOP
    last = pg_sequence_last_value(CAST(pg_get_serial_sequence(t, 'id') AS regclass));
    EXECUTE format('ALTER TABLE %I RENAME TO %I', t, t || '_before');
    EXECUTE format('ALTER TABLE %I ALTER COLUMN id DROP IDENTITY', t || '_before');
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', t || '_before', t || '_pkey');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (at_ms)',
                   t, t || '_before');
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id, at_ms)', t);
    FOR i IN SELECT c.relname AS name, pg_get_indexdef(x.indexrelid) AS made
             FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
             WHERE x.indrelid = CAST(t || '_before' AS regclass) LOOP
      EXECUTE format('ALTER INDEX %I RENAME TO %I', i.name, i.name || '_before');
      EXECUTE regexp_replace(i.made, ' ON (ONLY )?[^ ]+ USING ', format(' ON %I USING ', t));
    END LOOP;
    EXECUTE format('CREATE SEQUENCE %I AS bigint OWNED BY %I.id', t || '_ids', t);
    IF last IS NOT NULL THEN
      PERFORM setval(CAST(t || '_ids' AS regclass), last);
    END IF;
    EXECUTE format('ALTER TABLE %I ALTER COLUMN id SET DEFAULT nextval(%L)', t, t || '_ids');
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', t || '_other', t);
    EXECUTE format('SELECT max(at_ms) FROM %I', t || '_before') INTO newest;
    IF newest IS NULL THEN
      EXECUTE format('DROP TABLE %I', t || '_before');
    ELSE
      edge = 1000 * CAST(extract(epoch FROM date_trunc('month', to_timestamp(
               greatest(newest / 1000, extract(epoch FROM now()))) AT TIME ZONE 'UTC')
               + interval '1 month') AS bigint);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
                     t, t || '_before', edge);
    END IF;
  END LOOP;
END $both$)",
};

}  // namespace

Migration partitions_migration() { return partitions; }

}  // namespace meterlens::store
