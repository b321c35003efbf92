-- The tables of the customer experience guide as views over the snapshot's tables; what the guide calls a customer is an account.
-- Created inside each snapshot, over the tables that it has, whatever name it is attached under. No column may be called
-- as the guide calls an alias (health_segment, churn_segment, clv_segment): its statements group by these.

create view entity.entity_customers as
select
    account.account_id as customer_id,
    account.company_name,
    account.industry,
    account.region,
    account.account_owner,
    case account.segment when 'enterprise' then 'Enterprise' when 'mid_market' then 'Mid-Market' else 'SMB' end
        as customer_tier,
    account.account_status as customer_status,
    account.is_active,
    account.lifecycle_stage,
    account.first_paid_date as first_subscription_date,
    account.months_since_first_subscription,
    account.mrr as monthly_recurring_revenue,
    account.arr as annual_recurring_revenue,
    account.lifetime_value,
    success.health_score as customer_health_score,
    health.health_band,
    success.health_trend_30d,
    success.churn_risk_score,
    risk.risk_level as churn_risk_level,
    success.total_user_count as total_users,
    success.active_device_count as total_devices,
    success.device_health_avg
from dim.account as account
left join mart.customer_success as success using (account_id)
left join mart.customer_health as health using (account_id)
left join mart.churn_risk as risk using (account_id);

create view entity.entity_customers_daily as
select
    day.account_id as customer_id,
    day.as_of_date as date,
    day.account_status as customer_status,
    day.mrr as monthly_recurring_revenue,
    health.health_score as customer_health_score,
    health.health_band,
    case when feed.active_user_count_30d is not null then coalesce(usage.active_user_count, 0) end as daily_active_users,
    case when feed.account_id is not null then coalesce(usage.event_count, 0) end as daily_events
from fact.account_revenue_daily as day
left join mart.customer_health_daily as health using (account_id, as_of_date)
left join fact.account_usage_daily as feed using (account_id, as_of_date)
left join fact.usage_daily as usage on usage.account_id = day.account_id and usage.activity_date = day.as_of_date;

create view entity.entity_users as
select
    account_id as customer_id,
    user_id,
    is_active,
    engagement_score,
    case user_engagement_tier
        when 'power' then 'Power User'
        when 'regular' then 'Regular User'
        when 'casual' then 'Casual User'
        when 'light' then 'Light User'
        when 'inactive' then 'Inactive'
    end as user_engagement_tier,
    session_count_30d as total_sessions_30d,
    event_count_30d as total_events_30d,
    feature_count_30d as features_used_30d,
    active_hours_30d,
    days_since_last_login
from fact.user_engagement;

create view entity.entity_features as
select
    used.account_id as customer_id,
    used.feature_name,
    used.feature_category,
    feature.is_core,
    used.adoption_rate,
    used.user_count_30d as users_30d,
    used.event_count_30d as events_30d,
    feature.usage_intensity_score,
    feature.retention_impact_score
from mart.account_feature_adoption as used
left join mart.feature_adoption as feature using (feature_name);

create view entity.entity_devices as
select
    device_id,
    account_id as customer_id,
    device_type,
    installed_date,
    is_active,
    health_score as device_health_score,
    mean_uptime_pct_30d as uptime_pct_30d,
    usage_volume_30d,
    error_reading_count_30d,
    is_maintenance_due as maintenance_due,
    last_reading_date,
    device_revenue as revenue_contribution
from mart.device_health;

create view metrics.customer_success as
select
    account_id as customer_id,
    as_of_date as date,
    composite_success_score,
    health_score as customer_health_score,
    health_trend_30d,
    churn_risk_score,
    ticket_count_30d as support_tickets_30d,
    ticket_count_60d as support_tickets_60d,
    ticket_count_90d as support_tickets_90d,
    resolution_rate_30d as ticket_resolution_rate,
    mean_resolution_hours_30d as avg_resolution_time_hours,
    has_escalated_ticket_30d as has_escalated_ticket,
    days_since_last_login,
    avg_engagement_score,
    feature_adoption_rate,
    user_activation_rate,
    nps_365d as nps_score,
    nps_rating,
    device_health_avg,
    expansion_revenue_total,
    contraction_revenue_total,
    net_expansion
from mart.customer_success;

create macro array_remove(items, unwanted) as list_filter(items, lambda item: item is distinct from unwanted);
