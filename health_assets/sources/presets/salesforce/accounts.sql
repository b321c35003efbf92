-- needs account
select
  a.id as account_id,
  a.name as company_name,
  a.created_date as signup_date,
  a.industry,
  a.number_of_employees::bigint as employee_count,
  a.billing_country as region,
  coalesce(u.name, nullif(trim(concat_ws(' ', u.first_name, u.last_name)), '')) as account_owner,
  a.parent_id as parent_account_id,
  a.type as account_type
from account a
left join sales_user u on u.id = a.owner_id
where not coalesce(a.is_deleted, false) and coalesce(a.is_current, true)
order by a.id
