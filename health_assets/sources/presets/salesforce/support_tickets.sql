-- needs support_case
-- The first response is the first published comment or outgoing message, where comments are given.
with answer as (
  select c.parent_id, min(c.created_date) as answered_at
  from case_comment c
  where coalesce(c.is_published, true) and not coalesce(c.is_incoming, false) and not coalesce(c.is_deleted, false)
  group by all
)
select
  c.id as ticket_id,
  c.account_id,
  c.created_date as created_at,
  case when a.answered_at >= c.created_date then a.answered_at end as first_response_at,
  c.closed_date as resolved_at,
  c.priority,
  coalesce(c.reason, c.type) as category,
  c.origin as ticket_type,
  case when c.is_closed then 'closed' else c.status end as status,
  c.is_escalated
from support_case c
left join answer a on a.parent_id = c.id
where not coalesce(c.is_deleted, false) and coalesce(c.is_current, true)
order by c.id
