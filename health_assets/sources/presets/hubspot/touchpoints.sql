-- Calls, meetings and e-mails that are logged at a company.
with engagement as (
  select 'call' as kind, * from engagement_call
  union all by name
  select 'meeting' as kind, * from engagement_meeting
  union all by name
  select 'email' as kind, * from engagement_email
),
company_of_engagement as (
  select engagement_id, min(company_id) as company_id from engagement_company group by all
)
select
  e.kind || '-' || e.id as touchpoint_id,
  coalesce(c.company_id, first_company(e.company_ids)) as account_id,
  e.at as occurred_at,
  e.kind,
  owner_name(o.first_name, o.last_name, o.email) as owner,
  lower(e.outcome) as result
from engagement e
left join company_of_engagement c on c.engagement_id = e.id
left join owner o on o.id = e.owner_id
where not coalesce(e.is_deleted, false) and coalesce(c.company_id, first_company(e.company_ids)) is not null
order by touchpoint_id
