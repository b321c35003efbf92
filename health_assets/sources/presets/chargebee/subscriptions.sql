-- needs subscription
-- needs subscription_item without subscription.mrr, subscription.plan_unit_price
-- Chargebee computes the recurring revenue of a subscription itself; without it, or where it is 0 since the subscription has ended, the
-- items (or the plan) of one billing period count.
with item as (
  select
    subscription_id,
    sum(coalesce(amount, unit_price * coalesce(quantity, 1))) filter (where coalesce(item_type, 'plan') <> 'charge') as amount,
    arg_min(item_price_id, case when item_type = 'plan' then 0 else 1 end) as item_price_id
  from subscription_item
  where subscription_id is not null
  group by all
),
priced as (
  select
    s.*,
    coalesce(i.amount, s.plan_unit_price * coalesce(s.plan_quantity, 1)) as price,
    coalesce(s.plan_id, i.item_price_id) as product,
    s.mrr is null or (s.mrr = 0 and s.status in ('cancelled', 'transferred') and price > 0) as is_by_price
  from subscription s
  left join item i on i.subscription_id = s.id
)
select
  s.id as subscription_id,
  s.customer_id as account_id,
  s.product as product_name,
  case when not s.is_by_price then in_major_units(s.mrr, s.currency) end as mrr_amount,
  case when s.is_by_price then in_major_units(s.price, s.currency) end as amount,
  case when s.is_by_price then s.billing_period_unit end as interval,
  case when s.is_by_price then s.billing_period::bigint end as interval_count,
  s.plan_quantity as seats,
  upper(s.currency) as currency,
  coalesce(s.started_at, s.start_date, s.created_at) as start_date,
  case
    when s.status in ('cancelled', 'transferred') then coalesce(s.cancelled_at, s.current_term_end)
    when s.status = 'non_renewing' then coalesce(s.cancelled_at, s.current_term_end) end as end_date,
  case when s.status = 'transferred' then 'cancelled' else s.status end as status,
  s.trial_end as trial_end_date,
  case when s.status = 'paused' then s.pause_date end as paused_at,
  case when s.status not in ('cancelled', 'transferred', 'non_renewing') then coalesce(s.next_billing_at, s.current_term_end) end as renewal_date
from priced s
where not coalesce(s.is_deleted, false)
order by s.id
