-- needs ticket
-- Deleted tickets and those merged into another are left out. A ticket without an organisation has that of its requester.
with status_change as (
  select
    ticket_id,
    updated,
    value in ('solved', 'closed') as is_solved,
    lag(value) over (partition by ticket_id order by updated, value) in ('solved', 'closed') as was_solved
  from ticket_field_history
  where field_name = 'status'
),
solving as (  -- a change from solved to closed is no second solution
  select
    ticket_id,
    min(updated) filter (where is_solved) as first_solved_at,
    max(updated) filter (where is_solved and not coalesce(was_solved, false)) as last_solved_at,
    count(*) filter (where not is_solved and was_solved) as reopened_count
  from status_change
  group by all
),
rating as (
  select ticket_id, arg_max(score, rated_at) as score
  from (
    select ticket_id, score, updated_at as rated_at from satisfaction_rating where score in ('good', 'bad')
    union all
    select ticket_id, value, updated from ticket_field_history where field_name = 'satisfaction_score' and value in ('good', 'bad')
  )
  group by all
),
answer as (
  select c.ticket_id, min(c.created) as answered_at
  from ticket_comment c
  join agent u on u.id = c.user_id and u.role in ('agent', 'admin')
  join ticket t on t.id = c.ticket_id
  where coalesce(c.public, true) and c.created > t.created_at and c.user_id is distinct from t.requester_id
  group by all
),
merged as (
  select ticket_id from ticket_tag where tag = 'closed_by_merge'
  union
  select id from ticket where list_contains(try_cast(tags as varchar[]), 'closed_by_merge')
)
select
  t.id as ticket_id,
  coalesce(t.organization_id, requester.organization_id) as account_id,
  t.created_at,
  coalesce(answer.answered_at, t.created_at + to_microseconds((m.reply_minutes * 60000000)::bigint)) as first_response_at,
  case when t.status in ('solved', 'closed') then coalesce(solving.last_solved_at, m.solved_at) else solving.first_solved_at end
    as resolved_at,
  t.priority,
  t.type as category,
  t.via as ticket_type,
  t.status,
  coalesce(rating.score, t.score) as satisfaction_score,
  coalesce(solving.reopened_count, 0) as reopened_count,
  organization.external_id as organization_external_id
from ticket t
left join agent requester on requester.id = t.requester_id
left join organization on organization.id = coalesce(t.organization_id, requester.organization_id)
left join solving on solving.ticket_id = t.id
left join rating on rating.ticket_id = t.id
left join answer on answer.ticket_id = t.id
left join ticket_metric m on m.ticket_id = t.id
where t.status <> 'deleted' and not coalesce(t.is_deleted, false) and t.id not in (select ticket_id from merged where ticket_id is not null)
order by t.id
