-- needs invoice
-- The period of an invoice is that of its subscription lines: the invoice's own is the time before, in which usage was added up.
with regular_line as (
  select
    invoice_id,
    min(period_start) as period_start,
    max(period_end) as period_end,
    string_agg(description, '; ' order by id) as line_items
  from invoice_line_item
  where not coalesce(proration, false)
  group by all
)
select
  i.id as invoice_id,
  i.customer_id as account_id,
  coalesce(i.finalized_at, i.created) as invoice_date,
  i.due_date,
  in_major_units(i.total, i.currency) as amount,
  upper(i.currency) as currency,
  i.status,
  i.paid_at as paid_date,
  coalesce(l.period_start, i.period_start) as period_start,
  coalesce(l.period_end, i.period_end) - interval 1 day as period_end,
  l.line_items
from invoice i
left join regular_line l on l.invoice_id = i.id
where coalesce(i.livemode, true) and not coalesce(i.is_deleted, false)
union all by name
select
  id as invoice_id,
  customer_id as account_id,
  created as invoice_date,
  -in_major_units(total, currency) as amount,
  upper(currency) as currency,
  'credited' as status
from credit_note
where coalesce(status, 'issued') <> 'void'
