-- needs company
select
  c.id as account_id,
  c.name as company_name,
  c.created as signup_date,
  c.industry,
  c.employees::bigint as employee_count,
  c.country as region,
  owner_name(o.first_name, o.last_name, o.email) as account_owner,
  c.parent_id as parent_account_id,
  c.lifecycle
from company c
left join owner o on o.id = c.owner_id
where not coalesce(c.is_deleted, false)
order by c.id
