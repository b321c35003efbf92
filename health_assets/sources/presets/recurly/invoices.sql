-- needs invoice
select
  id as invoice_id,
  account_id,
  created_at as invoice_date,
  due_at as due_date,
  case when type = 'credit' then -abs(total) else total end as amount,
  upper(currency) as currency,
  case when type = 'credit' then 'credited'
    else case state when 'processing' then 'open' when 'closed' then 'paid' else state end end as status,
  case when state = 'paid' or state = 'closed' then closed_at end as paid_date
from invoice
qualify row_number() over (partition by id order by updated_at desc) = 1
order by id
