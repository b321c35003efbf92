-- needs issue
-- The account is the (first) organisation of a request. Jira has no field for it outside Service Management: map another column.
with organization as (
  select id, coalesce(organization, min(coalesce(element ->> '$.id', element ->> '$.name', element ->> '$'))) as organization
  from (
    select id, case when json_type(organizations) is distinct from 'ARRAY' then organization end as organization,
      unnest(coalesce(cast(case when json_type(organizations) = 'ARRAY' then organizations end as json[]), [null])) as element
    from issue
  )
  group by id, organization
),
answer as (
  select issue_id, min(created) as answered_at from issue_comment
  where coalesce(is_public, true) and author_type = 'atlassian'
  group by all
)
select
  coalesce(i.key, i.id) as ticket_id,
  o.organization as account_id,
  i.created as created_at,
  case when a.answered_at >= i.created then a.answered_at end as first_response_at,
  i.resolved as resolved_at,
  coalesce(i.priority_name, p.name, case when not regexp_full_match(i.priority_id, '\d+') then i.priority_id end) as priority,
  coalesce(i.issue_type_name, t.name) as category,
  case
    when lower(coalesce(i.status_category, c.name)) = 'done' then 'resolved'
    when i.status_name is null and s.name is null and i.resolved is not null then 'resolved'
    else coalesce(i.status_name, s.name, 'open') end as status,
  i.project,
  i.reporter
from issue i
left join organization o on o.id = i.id
left join answer a on a.issue_id = i.id
left join issue_priority p on p.id = i.priority_id
left join issue_status s on s.id = i.status_id
left join status_category c on c.id = s.category_id
left join issue_type t on t.id = i.issue_type_id
where not coalesce(i.is_deleted, false)
order by i.id
