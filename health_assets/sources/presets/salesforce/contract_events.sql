-- needs opportunity
-- Closed opportunities: a won one is a contract that was signed, renewed, extended or reduced, a lost renewal one that was cancelled.
with closed_opportunity as (
  select
    *,
    coalesce(is_won, stage_name ilike 'closed won', false) as was_won,
    coalesce(is_closed, stage_name ilike 'closed%', false) as was_closed,
    coalesce(type ilike '%renew%', false) or coalesce(name ilike '%renew%', false) as is_renewal
  from opportunity
  where not coalesce(is_deleted, false) and coalesce(is_current, true)
)
select
  id as event_id,
  account_id,
  close_date as event_date,
  case
    when not was_won then 'cancelled'
    when is_renewal then 'renewed'
    when type ilike '%downgrade%' then 'downgraded'
    when type ilike '%upgrade%' or type ilike '%expansion%' or type ilike '%upsell%' or type ilike '%add-on%' then 'upgraded'
    when type ilike '%new%' then 'signed'
    else 'other' end as event_type,
  case when was_won then amount else -amount end as revenue_impact,
  name as opportunity_name
from closed_opportunity
where account_id is not null and (was_won or (was_closed and is_renewal))
order by id
