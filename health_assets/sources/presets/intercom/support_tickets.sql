-- needs conversation
-- A conversation belongs to the company of its contact, of several the one with the smallest id.
with company_by_contact as (
  select contact_id, min(company_id) as company_id
  from (
    select contact_id, company_id from contact_company where coalesce(is_current, true)
    union all
    select contact_id, company_id from company_of_contact
  )
  group by all
),
company_by_conversation as (
  select c.conversation_id, min(b.company_id) as company_id
  from conversation_contact c
  join company_by_contact b on b.contact_id = c.contact_id
  where coalesce(c.is_current, true)
  group by all
),
part as (
  select
    conversation_id,
    min(created_at) filter (where author_type = 'admin' and part_type = 'comment') as replied_at,
    max(created_at) filter (where part_type = 'close') as closed_at
  from conversation_part
  group by all
)
select
  c.id as ticket_id,
  b.company_id as account_id,
  c.created_at,
  coalesce(c.replied_at, p.replied_at) as first_response_at,
  coalesce(c.closed_at, p.closed_at) as resolved_at,
  case when c.priority = 'priority' then 'p2' end as priority,
  c.title as category,
  c.source as ticket_type,
  c.state as status,
  c.rating as satisfaction_score
from conversation c
left join company_by_conversation b on b.conversation_id = c.id
left join part p on p.conversation_id = c.id
where coalesce(c.is_current, true)
order by c.id
