-- needs deal
-- Closed deals: a won one is a contract that was signed, renewed or extended, a lost renewal one that was cancelled.
with company_of_deal as (
  select deal_id, min(company_id) as company_id from deal_company group by all
),
closed_deal as (
  select
    d.*,
    coalesce(c.company_id, first_company(d.company_ids)) as company_id,
    coalesce(s.is_won, s.probability = 1, d.stage = 'closedwon') as is_won,
    coalesce(s.is_closed, s.probability in (0, 1), d.stage in ('closedwon', 'closedlost')) as is_closed,
    coalesce(p.label ilike '%renew%', false) or coalesce(d.name ilike '%renew%', false) or coalesce(d.type ilike '%renew%', false)
      as is_renewal
  from deal d
  left join company_of_deal c on c.deal_id = d.id
  left join deal_pipeline_stage s on s.stage_id = d.stage
  left join deal_pipeline p on p.pipeline_id = d.pipeline
  where not coalesce(d.is_deleted, false)
)
select
  id as event_id,
  company_id as account_id,
  closed as event_date,
  case
    when not is_won then 'cancelled'
    when is_renewal then 'renewed'
    when type = 'existingbusiness' then 'upgraded'
    when type = 'newbusiness' then 'signed'
    else 'other' end as event_type,
  case when is_won then amount else -amount end as revenue_impact,
  name as deal_name
from closed_deal
where (is_won or (is_closed and is_renewal)) and closed is not null and company_id is not null
order by id
