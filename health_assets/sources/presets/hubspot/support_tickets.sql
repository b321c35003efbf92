-- needs ticket
-- HubSpot keeps one closing date: of a ticket that is open again the date is of its first solution.
with company_of_ticket as (
  select ticket_id, min(company_id) as company_id from ticket_company group by all
)
select
  t.id as ticket_id,
  coalesce(c.company_id, first_company(t.company_ids)) as account_id,
  t.created as created_at,
  t.answered as first_response_at,
  t.closed as resolved_at,
  t.priority,
  t.category,
  t.source as ticket_type,
  case
    when s.is_closed or upper(s.state) = 'CLOSED' then 'closed'
    when s.stage_id is not null then coalesce(s.label, 'open')
    when t.stage = '4' then 'closed'  -- the stages of the pipeline that every account begins with
    when t.stage = '2' then 'pending'
    when t.stage = '1' then 'new'
    when t.closed is not null then 'closed'
    else 'open' end as status
from ticket t
left join company_of_ticket c on c.ticket_id = t.id
left join ticket_pipeline_stage s on s.stage_id = t.stage
where not coalesce(t.is_deleted, false)
order by t.id
