-- needs organization
select id as account_id, name as company_name, added as signup_date, owner as account_owner, country as region
from organization
where coalesce(is_active, true) and not coalesce(is_deleted, false)
order by id
