-- needs customer
select
  id as account_id,
  coalesce(name, description, email, id) as company_name,
  created as signup_date
from customer
where coalesce(livemode, true)
