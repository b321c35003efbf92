-- needs invoice
select
  id as invoice_id,
  customer_id as account_id,
  date as invoice_date,
  due_date,
  in_major_units(total, currency) as amount,
  upper(currency) as currency,
  case status when 'payment_due' then 'open' when 'not_paid' then 'uncollectible' else status end as status,
  paid_at as paid_date
from invoice
where not coalesce(is_deleted, false)
order by id
