-- Of several associated companies the one with the smallest id: HubSpot's exports do not all say which is the primary one.
create macro first_company(company_ids) as (
  select min(coalesce(element ->> '$.id', element ->> '$.toObjectId', element ->> '$'))
  from (select unnest(cast(case when json_type(company_ids) = 'ARRAY' then company_ids end as json[])) as element)
);
create macro owner_name(first_name, last_name, email) as coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), email);
