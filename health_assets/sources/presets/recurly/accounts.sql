-- needs account
select
  id as account_id,
  coalesce(company, nullif(trim(concat_ws(' ', first_name, last_name)), ''), email, code, id) as company_name,
  created_at as signup_date,
  code
from account
qualify row_number() over (partition by id order by updated_at desc) = 1
order by id
