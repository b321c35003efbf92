-- needs customer
with guest as (
  select account_of(null, o.email) as account_id, any_value(o.email order by o.created_at, o.id) as email, min(o.created_at) as created_at
  from shop_order o
  where o.customer_id is null and o.email is not null and not coalesce(o.is_test, false) and not coalesce(o.is_deleted, false)
  group by all
)
select
  id as account_id,
  coalesce(company, nullif(trim(concat_ws(' ', first_name, last_name)), ''), email, id) as company_name,
  created_at as signup_date,
  country as region
from customer
union all by name
select account_id, email as company_name, created_at as signup_date from guest
order by account_id
