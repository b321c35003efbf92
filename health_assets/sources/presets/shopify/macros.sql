-- A guest has no customer record; the e-mail address of the order stands for one.
create macro account_of(customer_id, email) as coalesce(customer_id, 'guest:' || lower(email));
