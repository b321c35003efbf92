-- Completed tasks and past events of an account.
with touchpoint as (
  select 'task-' || id as id, account_id, coalesce(completed_at, timezone(current_setting('TimeZone'), activity_date::timestamp)) as at,
    coalesce(task_subtype, 'task') as kind, owner_id, call_disposition as outcome
  from activity_task
  where not coalesce(is_deleted, false) and coalesce(is_closed, status ilike 'completed', false)
  union all
  select 'event-' || id, account_id, starts_at, coalesce(type, 'meeting'), owner_id, null
  from activity_event
  where not coalesce(is_deleted, false)
)
select
  t.id as touchpoint_id,
  t.account_id,
  t.at as occurred_at,
  lower(t.kind) as kind,
  coalesce(u.name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), '')) as owner,
  lower(t.outcome) as result
from touchpoint t
left join sales_user u on u.id = t.owner_id
where t.account_id is not null and t.at is not null
order by t.id
