-- needs activity
select
  id as touchpoint_id,
  organization_id as account_id,
  coalesce(done_at, timezone(current_setting('TimeZone'), due::timestamp)) as occurred_at,
  lower(type) as kind,
  owner
from activity
where is_done and not coalesce(is_deleted, false) and organization_id is not null and coalesce(done_at, due::timestamptz) is not null
order by id
