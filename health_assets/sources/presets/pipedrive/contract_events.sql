-- needs deal
-- Won deals, and lost renewals. A deal is a renewal if its title, label or pipeline says so; what else it is Pipedrive does not know.
with closed_deal as (
  select
    *,
    coalesce(won, closed, lost) as closed_at,
    coalesce(title ilike '%renew%', false) or coalesce(label ilike '%renew%', false) or coalesce(pipeline ilike '%renew%', false)
      as is_renewal
  from deal
  where not coalesce(is_deleted, false) and organization_id is not null
)
select
  id as event_id,
  organization_id as account_id,
  case when status = 'lost' then coalesce(lost, closed_at) else closed_at end as event_date,
  case when status = 'lost' then 'cancelled' when is_renewal then 'renewed' else 'signed' end as event_type,
  case when status = 'lost' then -value else value end as revenue_impact,
  title as deal_name
from closed_deal
where (status = 'won' or (status = 'lost' and is_renewal)) and closed_at is not null
order by id
