-- needs subscription, plan
-- `canceled` is a subscription that runs to its end and does not renew; only `expired` has ended.
with current_subscription as (
  select * from subscription qualify row_number() over (partition by id order by updated_at desc) = 1
),
current_plan as (
  select * from plan qualify row_number() over (partition by id order by updated_at desc) = 1
)
select
  s.id as subscription_id,
  s.account_id,
  coalesce(s.plan_name, p.name) as product_name,
  coalesce(s.plan_code, p.code) as plan_tier,
  coalesce(s.subtotal, s.unit_amount * coalesce(s.quantity, 1) + coalesce(s.add_ons_total, 0)) as amount,
  p.interval_unit as interval,
  p.interval_length::bigint as interval_count,
  s.quantity as seats,
  upper(s.currency) as currency,
  coalesce(s.activated_at, s.created_at) as start_date,
  case
    when s.state = 'expired' then coalesce(s.expires_at, s.canceled_at)
    when s.state = 'canceled' then coalesce(s.expires_at, s.current_period_ends_at) end as end_date,
  case s.state when 'canceled' then 'active' when 'expired' then 'cancelled' when 'failed' then 'incomplete' else s.state end as status,
  s.trial_ends_at as trial_end_date,
  case when s.state = 'paused' then s.paused_at end as paused_at,
  case when s.state in ('active', 'future') then s.current_period_ends_at end as renewal_date
from current_subscription s
left join current_plan p on p.id = s.plan_id
order by s.id
