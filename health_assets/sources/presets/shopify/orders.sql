-- needs shop_order
-- An order keeps its whole amount; each refund is a row of its own with a negative one. So a refunded order counts as paid here.
with placed as (
  select *, account_of(customer_id, email) as account_id
  from shop_order
  where not coalesce(is_test, false) and not coalesce(is_deleted, false)
),
by_transaction as (
  select refund_id, sum(amount) as amount
  from money_movement
  where lower(kind) = 'refund' and lower(coalesce(status, 'success')) = 'success' and refund_id is not null
  group by all
),
by_line as (
  select refund_id, sum(subtotal + coalesce(total_tax, 0)) as amount from refunded_line where refund_id is not null group by all
),
paid_back as (
  select r.id, r.order_id, r.created_at, coalesce(t.amount, r.total_refunded, l.amount) as amount
  from refund r
  left join by_transaction t on t.refund_id = r.id
  left join by_line l on l.refund_id = r.id
)
select
  o.id as order_id,
  o.account_id,
  coalesce(o.processed_at, o.created_at) as order_date,
  o.total_price as total_amount,
  upper(o.currency) as currency,
  case
    when o.cancelled_at is not null or lower(o.financial_status) in ('voided', 'expired') then 'cancelled'
    when lower(o.financial_status) in ('refunded', 'partially_refunded') and o.id not in (
      select order_id from paid_back where amount > 0 and order_id is not null) then lower(o.financial_status)
    when lower(o.financial_status) in ('refunded', 'partially_refunded') then 'paid'
    else lower(o.financial_status) end as status
from placed o
union all by name
select
  'refund-' || b.id as order_id,
  o.account_id,
  b.created_at as order_date,
  -b.amount as total_amount,
  upper(o.currency) as currency,
  'paid' as status
from paid_back b
join placed o on o.id = b.order_id
where b.amount > 0 and o.cancelled_at is null
order by order_id
