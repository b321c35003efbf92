-- needs organization
select id as account_id, name as company_name, created_at as signup_date, external_id
from organization
where deleted_at is null and not coalesce(is_deleted, false)
