-- needs company
select
  id as account_id,
  coalesce(name, external_id, id) as company_name,
  created_at as signup_date,
  industry,
  size::bigint as employee_count,
  plan_name as plan_tier,
  external_id
from company
where coalesce(is_current, true)
order by id
