-- needs customer
select
  id as account_id,
  coalesce(company, nullif(trim(concat_ws(' ', first_name, last_name)), ''), email, id) as company_name,
  created_at as signup_date
from customer
where not coalesce(is_deleted, false)
order by id
