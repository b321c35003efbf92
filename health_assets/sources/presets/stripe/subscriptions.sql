-- needs subscription, subscription_item
-- needs price without subscription_item.unit_amount
-- One row per subscription item; two where a coupon ends after some months: with it, and from then on without.
with current_subscription as (
  select * from subscription where coalesce(livemode, true) and coalesce(is_current, true)
),
latest_line as (  -- what the latest regular invoice asked for an item: metered and tiered prices have no amount of their own
  select l.subscription_item_id, arg_max(l.amount, (coalesce(l.period_end, i.created), l.id)) as amount
  from invoice_line_item l
  join invoice i on i.id = l.invoice_id
  where not coalesce(l.proration, false) and l.subscription_item_id is not null and coalesce(i.status, 'paid') <> 'draft'
  group by all
),
item as (
  select
    i.id,
    s.id as subscription_id,
    s.customer_id,
    s.status,
    s.pause_behavior,
    coalesce(i.currency, p.currency, s.currency) as currency,
    coalesce(i.product_id, p.product_id) as product_id,
    coalesce(i.nickname, p.nickname) as nickname,
    i.quantity,
    coalesce(i.interval, p.interval) as interval,
    coalesce(i.interval_count, p.interval_count, 1) as interval_count,
    case when coalesce(i.usage_type, p.usage_type, 'licensed') = 'metered' then l.amount
      else coalesce(coalesce(i.unit_amount, p.unit_amount) * coalesce(i.quantity, 1), l.amount) end as amount,
    -- an item that was added later starts then; the others with the subscription, which may be backdated
    case when i.created > s.created + interval 1 day then i.created else coalesce(s.start_date, s.created) end as starts_at,
    coalesce(s.ended_at, case when s.status in ('canceled', 'incomplete_expired') then coalesce(s.canceled_at, s.created) end,
      s.cancel_at, case when s.cancel_at_period_end then coalesce(s.current_period_end, i.current_period_end) end) as ends_at,
    s.trial_end,
    coalesce(i.current_period_end, s.current_period_end) as renews_at
  from subscription_item i
  join current_subscription s on s.id = i.subscription_id
  left join price p on p.id = i.price_id
  left join latest_line l on l.subscription_item_id = i.id
),
named_discount as (  -- all of a list; where it holds keys only, how much they are is unknown
  select
    d.subscription_id,
    coalesce(d.percent_off, c.percent_off) as percent_off,
    coalesce(d.amount_off, c.amount_off) as amount_off,
    coalesce(d.duration, c.duration, 'forever') as duration,
    d.ends_at
  from subscription_discount d
  left join coupon c on c.id = d.coupon_id
  where d.subscription_id is not null
),
listed_discount as (
  select * from named_discount where coalesce(percent_off, amount_off) is not null
),
object_discount as (
  select
    s.id as subscription_id,
    s.discount_coupon_id as coupon_id,
    coalesce(s.discount_percent_off, c.percent_off) as percent_off,
    coalesce(s.discount_amount_off, c.amount_off) as amount_off,
    coalesce(s.discount_duration, c.duration, 'forever') as duration,
    s.discount_ends_at as ends_at
  from current_subscription s
  left join coupon c on c.id = s.discount_coupon_id
),
unknown_discount as (  -- beyond the object, which is one of the list
  select o.subscription_id
  from object_discount o
  left join named_discount d on d.subscription_id = o.subscription_id and d.duration <> 'once'
  group by o.subscription_id, o.duration
  having count(d.subscription_id) - count(coalesce(d.percent_off, d.amount_off)) > count(distinct coalesce(o.percent_off, o.amount_off))
    or count(o.coupon_id) > 0 and o.duration <> 'once' and count(coalesce(o.percent_off, o.amount_off, d.percent_off, d.amount_off)) = 0
),
coupon_of_subscription as (  -- the list may hold keys only; then the one discount that is an object counts
  select * from listed_discount
  union all by name
  select * exclude (coupon_id) from object_discount
  where subscription_id not in (select subscription_id from listed_discount)
),
discount as (
  select
    subscription_id,
    least(sum(coalesce(percent_off, 0)), 100) as percent_off,
    sum(coalesce(amount_off, 0)) as amount_off,
    min(ends_at) as ends_at
  from coupon_of_subscription
  where duration <> 'once'  -- `once` is of one invoice, not of the price
  group by all
),
discounted as (  -- an amount off the subscription is shared by its items in proportion to their prices
  select
    item.*,
    coalesce(d.ends_at, item.ends_at) as discount_ends_at,
    d.ends_at > item.starts_at and (item.ends_at is null or d.ends_at < item.ends_at) as has_later_price,
    case when item.subscription_id in (select subscription_id from unknown_discount)
      then error('stripe: a discount of subscription ' || item.subscription_id || ' is given by its key alone, so its price is not known; '
        || 'export the discounts themselves (a table subscription_discount with its coupons, or `expand[]=data.discounts`)')
      when d.ends_at <= item.starts_at then 0 else
      least(item.amount, coalesce(item.amount * d.percent_off / 100, 0)
        + coalesce(d.amount_off * item.amount / nullif(sum(item.amount) over (partition by item.subscription_id), 0), 0)) end
      as discount_amount
  from item
  left join discount d on d.subscription_id = item.subscription_id
),
period as (
  select *, id as period_id, starts_at as period_starts_at,
    case when has_later_price then discount_ends_at else ends_at end as period_ends_at
  from discounted
  union all by name
  select * replace (0 as discount_amount), id || '-undiscounted' as period_id, discount_ends_at as period_starts_at, ends_at as period_ends_at
  from discounted
  where has_later_price
)
select
  period_id as subscription_id,
  customer_id as account_id,
  coalesce(product.name, period.product_id) as product_name,
  nickname as plan_tier,
  in_major_units(amount, currency) as amount,
  in_major_units(discount_amount, currency) as discount_amount,
  interval,
  interval_count::bigint as interval_count,
  quantity as seats,
  upper(currency) as currency,
  period_starts_at as start_date,
  period_ends_at as end_date,
  case when status = 'active' and pause_behavior in ('void', 'mark_uncollectible') then 'paused' else status end as status,
  case when status = 'paused' then trial_end end as paused_at,
  trial_end as trial_end_date,
  case when ends_at is null then renews_at end as renewal_date
from period
left join product on product.id = period.product_id
order by period_id
